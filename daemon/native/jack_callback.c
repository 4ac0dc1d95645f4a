/* The process callback of a bridge to JACK, in C, so that it never takes Python's GIL.
 *
 * Python opens the client and its one port, fills in a `struct setup`, and hands the
 * functions below to JACK. They use the memory that ripieno.ports.jack_memory lays out:
 *
 *   words (9 of int64) | ring: head, tail (uint64) | data
 *   record: length, CRC-32 (uint32, little-endian) | frame (int64) | MIDI message
 *
 * `ripieno.ports.jack_crossing` does the same in Python where this library was not built;
 * tests/ports/test_jack_callback.py tests both.
 *
 * It needs no JACK headers and links to nothing but libc: the functions of libjack are
 * given as pointers. In the callback nothing is allocated, locked or printed.
 *
 * Thread: JACK calls `ripieno_process`; JACK's notification thread calls `ripieno_xrun`;
 * the main thread calls the rest.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "jack_ring.h"

/* ── messages ────────────────────────────────────────────────────────────────────── */

static int is_note_on(const uint8_t *m, uint32_t size) {
  return size == 3 && (m[0] & 0xF0) == 0x90 && m[2];
}

static int is_note_off(const uint8_t *m, uint32_t size) {
  return size == 3 && ((m[0] & 0xF0) == 0x80 || ((m[0] & 0xF0) == 0x90 && !m[2]));
}

static int pedal_of(const uint8_t *m, uint32_t size) {
  if (size != 3 || (m[0] & 0xF0) != 0xB0) return -1;
  for (int i = 0; i < PEDALS; i++)
    if (m[1] == PEDAL_NUMBERS[i]) return i;
  return -1;
}

/* What sounds behind the port, and what was ended when. */
static void note_passing(struct bridge *b, const uint8_t *m, uint32_t size) {
  int channel = m[0] & 15, pedal = pedal_of(m, size);
  if (m[0] >= 0x80 && m[0] < 0xF0) b->used[channel] = 1;
  if (is_note_on(m, size))
    b->keys[channel][m[1] & 127] = (sounding){0, 1, RELEASE};
  else if (is_note_off(m, size))
    b->keys[channel][m[1] & 127] = (sounding){b->frame, 0, m[2]};
  else if (pedal >= 0)
    b->pedals[channel][pedal] = m[2] ? (sounding){0, 1, 0} : (sounding){b->frame, 0, 0};
}

static int write_now(struct bridge *b, void *buffer, uint32_t offset,
                     const uint8_t *message, uint32_t size) {
  if (b->jack.midi_max_event_size(buffer) < size) return 0;
  return !b->jack.midi_event_write(buffer, offset, message, size);
}

static sounding *slot_of(struct bridge *b, uint32_t slot) {
  if (slot < CHANNELS * KEYS) return &b->keys[slot / KEYS][slot % KEYS];
  slot -= CHANNELS * KEYS;
  return &b->pedals[slot / PEDALS][slot % PEDALS];
}

static int write_end(struct bridge *b, void *buffer, uint32_t slot) {
  uint8_t message[3];
  if (slot < CHANNELS * KEYS) {
    message[0] = 0x80 | (uint8_t)(slot / KEYS), message[1] = slot % KEYS;
    message[2] = slot_of(b, slot)->velocity;
  } else {
    slot -= CHANNELS * KEYS;
    message[0] = 0xB0 | (uint8_t)(slot / PEDALS);
    message[1] = PEDAL_NUMBERS[slot % PEDALS], message[2] = 0;
  }
  return write_now(b, buffer, 0, message, 3);
}

#define SLOTS (CHANNELS * (KEYS + PEDALS))

/* ── sending ends again ──────────────────────────────────────────────────────────── */

/* A period of the server was dropped: the ends of the last second may be lost. */
static void plan_resend(struct bridge *b) {
  b->resend_at[0] = b->frame;
  b->resend_at[1] = b->frame + b->jack.rate_hz / 20;
}

/* Returns early if the buffer is full: all of them are sent in the next cycle. */
static void resend_ends(struct bridge *b, void *buffer) {
  for (int i = 0; i < 2; i++) {
    if (!b->resend_at[i] || b->resend_at[i] > b->frame) continue;
    for (uint32_t slot = 0; slot < SLOTS; slot++) {
      const sounding *s = slot_of(b, slot);
      if (s->is_down || !s->ended_at) continue;
      if (b->frame - s->ended_at > (int64_t)b->jack.rate_hz) continue;
      if (!write_end(b, buffer, slot)) return;
    }
    b->resend_at[i] = 0;
  }
}

/* ── what waits for its frame ────────────────────────────────────────────────────── */

static int is_before(const waiting_message *x, const waiting_message *y) {
  return x->due != y->due ? x->due < y->due : x->order < y->order;
}

static void swap(waiting_message *x, waiting_message *y) {
  waiting_message kept = *x;
  *x = *y;
  *y = kept;
}

static void rise(struct bridge *b, uint32_t at) {
  while (at && is_before(&b->heap[at], &b->heap[(at - 1) / 2])) {
    swap(&b->heap[at], &b->heap[(at - 1) / 2]);
    at = (at - 1) / 2;
  }
}

static void sink(struct bridge *b, uint32_t at) {
  for (;;) {
    uint32_t least = at, left = 2 * at + 1;
    for (uint32_t child = left; child < left + 2 && child < b->n_waiting; child++)
      if (is_before(&b->heap[child], &b->heap[least])) least = child;
    if (least == at) return;
    swap(&b->heap[at], &b->heap[least]);
    at = least;
  }
}

static void push(struct bridge *b, waiting_message message) {
  b->heap[b->n_waiting++] = message;
  rise(b, b->n_waiting - 1);
}

static void remove_at(struct bridge *b, uint32_t at) {
  if (b->heap[at].size > INLINE && !--b->n_long) b->arena_used = 0;
  b->heap[at] = b->heap[--b->n_waiting];
  if (at == b->n_waiting) return;
  rise(b, at);
  sink(b, at);
}

static const uint8_t *bytes_of(const waiting_message *m) {
  return m->size > INLINE ? m->data.at : m->data.bytes;
}

/* Forget the last note-on that a note-off would end; 0 if none waits. */
static int take_back(struct bridge *b, const uint8_t *off) {
  int64_t last = -1;
  for (uint32_t at = 0; at < b->n_waiting; at++) {
    const waiting_message *m = &b->heap[at];
    const uint8_t *on = bytes_of(m);
    if (!is_note_on(on, m->size) || (on[0] & 15) != (off[0] & 15) || on[1] != off[1])
      continue;
    if (last < 0 || is_before(&b->heap[last], m)) last = at;
  }
  if (last >= 0) remove_at(b, (uint32_t)last);
  return last >= 0;
}

/* Take one record from the ring; 0 where there is none, or no place for it yet. */
static int take(struct bridge *b) {
  uint64_t head = atomic_load_explicit(ring_count(b, 0), memory_order_acquire);
  uint64_t tail = atomic_load_explicit(ring_count(b, 1), memory_order_relaxed);
  uint8_t header[RECORD + FRAME];
  waiting_message message = {0, 0, 0, {{0}}};
  uint8_t *bytes = message.data.bytes;
  int64_t wrapped = 0;
  if (tail >= head || b->n_waiting == MOST) return 0;
  ring_copy(b, tail, header, RECORD + FRAME, 0);
  uint32_t length = get_u32(header);
  if (length < FRAME || length > head - tail) return 0;
  message.size = length - FRAME;
  if (message.size > ARENA) { /* larger than any buffer of the server */
    b->jack.words[LOST]++;
    atomic_store_explicit(ring_count(b, 1), tail + RECORD + length,
                          memory_order_release);
    return 1;
  }
  if (message.size > INLINE) {
    if (b->arena_used + message.size > ARENA) return 0;
    bytes = b->arena + b->arena_used;
  }
  ring_copy(b, tail + RECORD + FRAME, bytes, message.size, 0);
  uint32_t crc = crc32_of(header + RECORD, FRAME, crc_seed(tail));
  if (crc32_of(bytes, message.size, crc) != get_u32(header + 4)) return 0;
  if (message.size > INLINE) {
    message.data.at = bytes;
    b->arena_used += message.size;
    b->n_long++;
  }
  atomic_store_explicit(ring_count(b, 1), tail + RECORD + length, memory_order_release);
  if (message.size == 4 && bytes[0] == TAKE_BACK) {
    memmove(bytes, bytes + 1, 3);
    message.size = 3;
    if (take_back(b, bytes)) return 1;
  }
  for (int i = FRAME - 1; i >= 0; i--) wrapped = wrapped << 8 | header[RECORD + i];
  int32_t ahead = (int32_t)((uint32_t)wrapped - (uint32_t)b->frame);
  if (ahead < 0) b->jack.words[LATE]++;
  message.due = b->frame + ahead;
  message.order = ++b->n_taken;
  push(b, message);
  return 1;
}

/* Write what is due before a frame; what finds no room stays for the next cycle. */
static void write_before(struct bridge *b, void *buffer, int64_t end, int64_t start) {
  while (b->n_waiting && b->heap[0].due < end) {
    const waiting_message *message = &b->heap[0];
    const uint8_t *bytes = bytes_of(message);
    int64_t offset = message->due > start ? message->due - start : 0;
    if (!message->size || message->size > b->room) {
      b->jack.words[LOST]++;
    } else if (!(atomic_load(&b->is_leaving) && is_note_on(bytes, message->size))) {
      if (!write_now(b, buffer, (uint32_t)offset, bytes, message->size)) return;
      note_passing(b, bytes, message->size);
    }
    remove_at(b, 0);
  }
}

/* End what sounds, lift pedals, silence the channels that were used; 1 when done. */
static int end_all(struct bridge *b, void *buffer) {
  for (; b->end_from < SLOTS; b->end_from++) {
    sounding *s = slot_of(b, b->end_from);
    if (!s->is_down) continue;
    if (!write_end(b, buffer, b->end_from)) return 0;
    *s = (sounding){b->frame, 0, RELEASE};
  }
  for (; b->end_from < SLOTS + 2 * CHANNELS; b->end_from++) {
    uint32_t at = b->end_from - SLOTS, channel = at / 2;
    uint8_t message[3] = {(uint8_t)(0xB0 | channel),
                          at % 2 ? ALL_NOTES_OFF : PEDAL_NUMBERS[0], 0};
    if (b->used[channel] && !write_now(b, buffer, 0, message, 3)) return 0;
  }
  return 1;
}

static void cross_out(struct bridge *b, uint32_t frames) {
  void *buffer = b->jack.port_get_buffer(b->jack.port, frames);
  b->jack.midi_clear_buffer(buffer);
  b->room = b->jack.midi_max_event_size(buffer);
  if (!atomic_load(&b->has_begun)) return;
  for (int i = 0; i < MOST_A_CYCLE && take(b); i++) {
  }
  resend_ends(b, buffer);
  if (!atomic_load(&b->is_leaving)) {
    write_before(b, buffer, b->frame + frames, b->frame);
    return;
  }
  write_before(b, buffer, INT64_MAX, INT64_MAX);
  int is_empty = atomic_load(ring_count(b, 0)) == atomic_load(ring_count(b, 1));
  if (!b->n_waiting && is_empty && end_all(b, buffer)) atomic_store(&b->has_left, 1);
}

/* ── receiving ───────────────────────────────────────────────────────────────────── */

static uint32_t digest_of(struct bridge *b, void *buffer, uint32_t n) {
  uint32_t digest = n;
  for (uint32_t i = 0; i < n; i++) {
    midi_event event;
    if (b->jack.midi_event_get(&event, buffer, i)) continue;
    digest = crc32_of(event.buffer, event.size, digest ^ event.time);
  }
  return digest;
}

/* Read what was not read yet in this cycle; return whether there was anything.
 *
 * A client that woke late is called several times for one cycle, and the first time
 * perhaps before its sources have written: it then finds nothing, or what it read in the
 * cycle before. `is_doubtful`: this is such a call, or the first one after a gap. */
static int cross_in(struct bridge *b, uint32_t frames, int is_doubtful) {
  void *buffer = b->jack.port_get_buffer(b->jack.port, frames);
  uint32_t n = b->jack.midi_get_event_count(buffer);
  uint32_t digest = digest_of(b, buffer, n), first = b->n_read;
  int is_gap = b->jack.midi_get_lost_event_count(buffer) > 0;
  if (is_doubtful && n && !first && digest == b->last_digest) return 0;
  for (; b->n_read < n; b->n_read++) {
    midi_event event;
    if (b->jack.midi_event_get(&event, buffer, b->n_read)) continue;
    if (!ring_write(b, b->frame + event.time, event.buffer, (uint32_t)event.size)) {
      b->jack.words[LOST]++;
      is_gap = 1;
    }
  }
  b->digest = digest;
  if (is_gap) b->jack.words[GAPS]++;
  return n > first;
}

/* ── what Python calls and hands to JACK ─────────────────────────────────────────── */

static int64_t now_ns(void) {
  struct timespec now;
#ifdef CLOCK_MONOTONIC_RAW
  clock_gettime(CLOCK_MONOTONIC_RAW, &now);
#else
  clock_gettime(CLOCK_MONOTONIC, &now);
#endif
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void show_cycle(struct bridge *b, int64_t at_ns, uint32_t frames) {
  int64_t *words = b->jack.words;
  words[AT] = b->frame, words[AT_NS] = at_ns, words[FRAMES] = frames;
  atomic_thread_fence(memory_order_release);
  words[COUNT] = b->count;
  words[CHECK] = b->count ^ b->frame ^ at_ns ^ frames;
}

static void wake(struct bridge *b) {
  while (write(b->jack.wake_fd, "!", 1) < 0 && errno == EINTR) {
  }
}

int ripieno_abi(void) { return ABI; }

/* A bridge, or NULL where there is no memory. It lives as long as its process. */
struct bridge *ripieno_new(const struct setup *setup) {
  struct bridge *b = calloc(1, sizeof *b);
  if (!b) return NULL;
  fill_crc_table();
  b->jack = *setup;
  b->wrapped = setup->last_frame_time(setup->client);
  /* A bridge before this one, which died, may have counted frames already. */
  b->count = b->first = setup->words[COUNT];
  if (b->first) memset(b->used, 1, sizeof b->used); /* by the one before */
  b->frame = setup->words[AT] + (uint32_t)(b->wrapped - (uint32_t)setup->words[AT]);
  return b;
}

/* JACK's process callback. */
int ripieno_process(uint32_t frames, void *argument) {
  struct bridge *b = argument;
  int64_t at_ns = now_ns();
  uint32_t wrapped = b->jack.last_frame_time(b->jack.client);
  uint32_t since = wrapped - b->wrapped;
  int xruns = atomic_load(&b->xruns), wakes = 0;
  int is_first = b->count == b->first;
  if (!is_first && !since) {
    /* Called again for the same cycle: what the first call wrote stays in the buffer. */
    if (!b->jack.is_output && cross_in(b, frames, 1)) wake(b);
    return 0;
  }
  /* A bridge that replaces a dead one begins with a gap. */
  int is_gap = is_first ? b->first > 0 : since != b->frames || xruns != b->xruns_seen;
  b->wrapped = wrapped;
  b->frame += since;
  b->frames = frames;
  b->xruns_seen = xruns;
  b->count++;
  if (is_gap) {
    b->jack.words[GAPS]++;
    plan_resend(b);
  }
  if (b->jack.is_output) {
    cross_out(b, frames);
  } else {
    b->last_digest = b->digest, b->digest = b->n_read = 0;
    wakes = cross_in(b, frames, is_gap);
  }
  show_cycle(b, at_ns, frames);
  if (wakes) wake(b);
  return 0;
}

/* JACK's xrun callback. */
int ripieno_xrun(void *argument) {
  atomic_fetch_add(&((struct bridge *)argument)->xruns, 1);
  return 0;
}

/* The port is connected: from now on an output writes. */
void ripieno_begin(struct bridge *b) { atomic_store(&b->has_begun, 1); }

/* Send every note-off that waits, drop the note-ons, and end what sounds. */
void ripieno_leave(struct bridge *b) {
  atomic_store(&b->is_leaving, 1);
  if (!b->jack.is_output) atomic_store(&b->has_left, 1);
}

/* Whether all of that was written. */
int ripieno_has_left(struct bridge *b) { return atomic_load(&b->has_left); }
