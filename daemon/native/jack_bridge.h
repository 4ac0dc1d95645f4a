/* The constants and structures of the process callback (jack_callback.c). */
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define ABI 1
#define CHANNELS 16
#define KEYS 128
#define PEDALS 3
#define MOST 4096          /* messages that wait for their frame */
#define MOST_A_CYCLE 512   /* messages taken from the ring in one cycle */
#define ARENA (1 << 18)    /* bytes of waiting messages longer than INLINE */
#define INLINE 8
#define RECORD 8
#define HEADER 16
#define FRAME 8
#define TAKE_BACK 0xF4     /* before a note-off: see ripieno.ports.jack_memory */
#define ALL_NOTES_OFF 123
#define RELEASE 64         /* the velocity of a note-off of our own */

static const uint8_t PEDAL_NUMBERS[PEDALS] = {64, 66, 67};

enum { COUNT, AT, AT_NS, FRAMES, CHECK, GONE, LATE, LOST, GAPS };

typedef struct {
  uint32_t time;
  size_t size;
  uint8_t *buffer;
} midi_event;

/* Filled in by Python (ctypes): same order, same types. */
struct setup {
  void *client, *port;
  int64_t *words;
  uint8_t *ring;
  uint64_t ring_bytes;
  uint32_t rate_hz;
  int32_t is_output;
  int32_t wake_fd;
  void *(*port_get_buffer)(void *, uint32_t);
  uint32_t (*last_frame_time)(const void *);
  uint32_t (*midi_get_event_count)(void *);
  uint32_t (*midi_get_lost_event_count)(void *);
  int (*midi_event_get)(midi_event *, void *, uint32_t);
  void (*midi_clear_buffer)(void *);
  size_t (*midi_max_event_size)(void *);
  int (*midi_event_write)(void *, uint32_t, const uint8_t *, size_t);
};

typedef struct {
  int64_t due;
  uint64_t order;
  uint32_t size;
  union {
    uint8_t bytes[INLINE];
    const uint8_t *at;
  } data;
} waiting_message;

typedef struct {
  int64_t ended_at; /* the frame of the last end; 0 for none, or if it sounds again */
  uint8_t is_down;
  uint8_t velocity; /* of that note-off */
} sounding;

struct bridge {
  struct setup jack;
  int64_t frame;  /* first frame of this cycle, counted on for ever */
  uint32_t wrapped, frames;
  int64_t count, first;
  atomic_int xruns, has_begun, is_leaving, has_left;
  int xruns_seen;
  /* input only: how many of this cycle's events were read, and what they and the last
   * cycle's were */
  uint32_t n_read, digest, last_digest;
  /* output only */
  waiting_message heap[MOST]; /* by `due`, then `order` */
  uint32_t n_waiting;
  uint64_t n_taken;
  uint8_t arena[ARENA];
  uint32_t arena_used, n_long;
  size_t room; /* of an empty buffer, in bytes */
  sounding keys[CHANNELS][KEYS], pedals[CHANNELS][PEDALS];
  uint8_t used[CHANNELS];
  int64_t resend_at[2]; /* when to send recent ends again; 0 for not at all */
  uint32_t end_from;
};
