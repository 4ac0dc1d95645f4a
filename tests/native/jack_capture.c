/* jack_capture: writes down every MIDI event that a JACK port sends, with its time.
 *
 * cc -O2 -o jack_capture jack_capture.c -ljack
 * usage: jack_capture SOURCE_PORT OUT.csv [CLIENT_NAME]
 *
 * The output starts with a comment line: the period, the rate, and how far the two
 * monotonic clocks are from JACK's. Measured on Linux with jackd2 1.9.21: JACK's clock
 * is CLOCK_MONOTONIC_RAW (0.003 ms apart), not CLOCK_MONOTONIC (248 ms apart).
 * Then, a line an event: time_us, frame, bytes in hex. The time is the clock's when the
 * event was handed to us, not jack_frames_to_time of its frame: that estimate is off by
 * up to 4.5 ms for seconds after the server started or had an xrun (events "arrived"
 * before they were sent).
 *
 * It connects when SOURCE_PORT appears, and again whenever it reappears; it runs until
 * it is killed (SIGTERM, SIGINT) or the server goes away. Every line is flushed.
 */
#include <jack/jack.h>
#include <jack/midiport.h>
#include <jack/ringbuffer.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LONGEST 256
typedef struct {
  jack_time_t time_us;
  jack_nframes_t frame;
  unsigned size;
  unsigned char bytes[LONGEST];
} event_t;

static jack_client_t *client;
static jack_port_t *port;
static jack_ringbuffer_t *ring;
static volatile sig_atomic_t stop = 0;
static volatile int dropped = 0;

static int process(jack_nframes_t n, void *unused) {
  (void)unused;
  void *buffer = jack_port_get_buffer(port, n);
  jack_nframes_t start = jack_last_frame_time(client);
  jack_time_t now_us = jack_get_time();
  jack_nframes_t count = jack_midi_get_event_count(buffer);
  for (jack_nframes_t i = 0; i < count; i++) {
    jack_midi_event_t e;
    event_t out;
    if (jack_midi_event_get(&e, buffer, i)) continue;
    out.frame = start + e.time;
    out.time_us = now_us;
    out.size = e.size < LONGEST ? (unsigned)e.size : LONGEST;
    memcpy(out.bytes, e.buffer, out.size);
    if (jack_ringbuffer_write_space(ring) < sizeof out)
      dropped++;
    else
      jack_ringbuffer_write(ring, (const char *)&out, sizeof out);
  }
  return 0;
}

static void on_signal(int number) { (void)number; stop = 1; }
static void on_shutdown(void *unused) { (void)unused; stop = 1; }

static double clock_us(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void write_header(FILE *file) {
  double mono = clock_us(CLOCK_MONOTONIC), raw = clock_us(CLOCK_MONOTONIC_RAW);
  double now = (double)jack_get_time();
  fprintf(file, "# period=%u rate=%u monotonic_minus_jack_us=%.0f raw_minus_jack_us=%.0f\n",
          jack_get_buffer_size(client), jack_get_sample_rate(client), mono - now, raw - now);
  fprintf(file, "time_us,frame,bytes\n");
  fflush(file);
}

static void drain(FILE *file) {
  event_t e;
  int any = 0;
  while (jack_ringbuffer_read_space(ring) >= sizeof e) {
    jack_ringbuffer_read(ring, (char *)&e, sizeof e);
    fprintf(file, "%llu,%u,", (unsigned long long)e.time_us, e.frame);
    for (unsigned i = 0; i < e.size; i++) fprintf(file, "%02x", e.bytes[i]);
    fputc('\n', file);
    any = 1;
  }
  if (any) fflush(file);
}

static void keep_connected(const char *source, const char *own) {
  jack_port_t *other = jack_port_by_name(client, source);
  if (other && !jack_port_connected_to(port, source)) jack_connect(client, source, own);
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: %s SOURCE_PORT OUT.csv [CLIENT_NAME]\n", argv[0]);
    return 2;
  }
  client = jack_client_open(argc > 3 ? argv[3] : "capture", JackNoStartServer, NULL);
  if (!client) return fprintf(stderr, "no JACK server\n"), 1;
  FILE *file = fopen(argv[2], "w");
  if (!file) return perror(argv[2]), 1;
  signal(SIGTERM, on_signal);
  signal(SIGINT, on_signal);
  ring = jack_ringbuffer_create(4096 * sizeof(event_t));
  port = jack_port_register(client, "in", JACK_DEFAULT_MIDI_TYPE, JackPortIsInput, 0);
  jack_set_process_callback(client, process, NULL);
  jack_on_shutdown(client, on_shutdown, NULL);
  if (!port || jack_activate(client)) return fprintf(stderr, "cannot start\n"), 1;
  write_header(file);
  while (!stop) {
    keep_connected(argv[1], jack_port_name(port));
    drain(file);
    usleep(5000);
  }
  drain(file);
  if (dropped) fprintf(file, "# dropped=%d\n", dropped);
  fclose(file);
  _exit(0); /* closing on a dead server can wait */
}
