/* jack_probe: what a MIDI daemon on JACK loses, doubles, disorders, delays and hangs.
 *
 * cc -O2 -o jack_probe jack_probe.c -ljack -lm
 * usage: jack_probe DEST_PORT SRC_PORT N INTERVAL_MS OUT.csv
 *
 * The truth is the sample clock. Two clients, probe_tx:out and probe_rx:in. It sends N
 * notes (at most 16 256) to DEST_PORT, each on at a random frame, its off half an
 * interval later, and awaits the same notes from SRC_PORT. The number of a note is in
 * its pitch (7 bits) and velocity (1 … 127), so the daemon must echo both.
 *
 * CSV: seq,send_frame,recv_frame,latency_frames. On stdout, one line of key=value:
 *   lost    notes whose on never came back      dup   ons that came twice
 *   ooo     ons that came before an earlier one stuck notes that still sound at the end
 *   bad     ons that were never sent            other messages that are no notes
 */
#include <jack/jack.h>
#include <jack/midiport.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST (127 * 128)
static jack_client_t *tx, *rx;
static jack_port_t *out_port, *in_port;
static int n_notes, interval;
static jack_nframes_t sent_at[MOST], received_at[MOST];
static unsigned char got[MOST], sounding[16][128];
static volatile int n_on = 0, n_off = 0, n_received = 0, n_off_received = 0, running = 0;
static volatile int n_dup = 0, bad = 0, other = 0, ooo = 0, xruns = 0;
static jack_nframes_t next_at = 0;
static int last_seq = -1;
static unsigned seed = 12345;

static unsigned rnd(void) {
  seed = seed * 1664525u + 1013904223u;
  return seed >> 8;
}

static int send_notes(jack_nframes_t n, void *unused) {
  (void)unused;
  void *buffer = jack_port_get_buffer(out_port, n);
  jack_midi_clear_buffer(buffer);
  if (!running) return 0;
  jack_nframes_t start = jack_last_frame_time(tx);
  if (!next_at) next_at = start + 4800;
  while (n_off < n_notes && (int)(next_at - start) < (int)n) {
    int offset = (int)(next_at - start), on = n_on == n_off, s = n_off;
    if (offset < 0) offset = 0;
    unsigned char m[3] = {on ? 0x90 : 0x80, (unsigned char)(s % 128),
                          (unsigned char)(1 + s / 128)};
    if (jack_midi_event_write(buffer, (jack_nframes_t)offset, m, 3)) break;
    if (on) {
      sent_at[s] = start + (jack_nframes_t)offset;
      next_at = start + (jack_nframes_t)(offset + interval / 2);
      n_on++;
    } else {
      next_at = sent_at[s] + (jack_nframes_t)interval + rnd() % (unsigned)(interval / 4 + 1);
      n_off++;
    }
  }
  return 0;
}

static void take_on(const unsigned char *m, jack_nframes_t at) {
  int s = (m[2] - 1) * 128 + m[1];
  sounding[m[0] & 15][m[1]] = 1;
  if (s < 0 || s >= n_on) { bad++; return; }
  if (got[s]) { n_dup++; return; }
  if (s < last_seq) ooo++;
  last_seq = s;
  got[s] = 1;
  received_at[s] = at;
  n_received++;
}

static int receive_notes(jack_nframes_t n, void *unused) {
  (void)unused;
  void *buffer = jack_port_get_buffer(in_port, n);
  jack_nframes_t start = jack_last_frame_time(rx);
  jack_nframes_t count = jack_midi_get_event_count(buffer);
  for (jack_nframes_t i = 0; i < count; i++) {
    jack_midi_event_t e;
    if (jack_midi_event_get(&e, buffer, i)) continue;
    int kind = e.size == 3 ? e.buffer[0] & 0xf0 : 0;
    if (kind == 0x90 && e.buffer[2]) take_on(e.buffer, start + e.time);
    else if (kind == 0x80 || kind == 0x90) {
      sounding[e.buffer[0] & 15][e.buffer[1] & 127] = 0;
      n_off_received++;
    } else other++;
  }
  return 0;
}

static int on_xrun(void *unused) { (void)unused; xruns++; return 0; }
static int by_size(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

static int write_csv(const char *path, int *latency) {
  FILE *file = fopen(path, "w");
  int k = 0;
  if (!file) return perror(path), 0;
  fprintf(file, "seq,send_frame,recv_frame,latency_frames\n");
  for (int s = 0; s < n_notes; s++) {
    if (!got[s]) continue;
    latency[k] = (int)(received_at[s] - sent_at[s]);
    fprintf(file, "%d,%u,%u,%d\n", s, sent_at[s], received_at[s], latency[k++]);
  }
  fclose(file);
  return k;
}

static void report(int *latency, int k, double rate) {
  double sum = 0, squares = 0;
  int stuck = 0;
  for (int c = 0; c < 16; c++)
    for (int p = 0; p < 128; p++) stuck += sounding[c][p];
  for (int i = 0; i < k; i++) sum += latency[i];
  for (int i = 0; i < k; i++) squares += (latency[i] - sum / k) * (latency[i] - sum / k);
  qsort(latency, (size_t)k, sizeof *latency, by_size);
#define MS(q) (k ? latency[(int)((k - 1) * (q))] * 1000.0 / rate : -1.0)
  printf("rate=%.0f period=%u sent=%d recv=%d offs=%d lost=%d dup=%d bad=%d ooo=%d stuck=%d "
         "other=%d xruns=%d min_ms=%.3f p50_ms=%.3f p90_ms=%.3f p99_ms=%.3f p999_ms=%.3f "
         "max_ms=%.3f sd_ms=%.3f\n",
         rate, jack_get_buffer_size(tx), n_on, k, n_off_received, n_on - k, n_dup, bad, ooo,
         stuck, other, xruns, MS(0), MS(.5), MS(.9), MS(.99), MS(.999), MS(1),
         k ? sqrt(squares / k) * 1000.0 / rate : -1.0);
}

int main(int argc, char **argv) {
  static int latency[MOST];
  if (argc < 6) {
    fprintf(stderr, "usage: %s DEST_PORT SRC_PORT N INTERVAL_MS OUT.csv\n", argv[0]);
    return 2;
  }
  n_notes = atoi(argv[3]) < MOST ? atoi(argv[3]) : MOST;
  tx = jack_client_open("probe_tx", JackNoStartServer, NULL);
  rx = jack_client_open("probe_rx", JackNoStartServer, NULL);
  if (!tx || !rx) return fprintf(stderr, "no JACK server\n"), 1;
  double rate = jack_get_sample_rate(tx);
  interval = (int)(atof(argv[4]) * rate / 1000);
  if (interval < 2) interval = 2;
  out_port = jack_port_register(tx, "out", JACK_DEFAULT_MIDI_TYPE, JackPortIsOutput, 0);
  in_port = jack_port_register(rx, "in", JACK_DEFAULT_MIDI_TYPE, JackPortIsInput, 0);
  jack_set_process_callback(tx, send_notes, NULL);
  jack_set_process_callback(rx, receive_notes, NULL);
  jack_set_xrun_callback(rx, on_xrun, NULL);
  if (jack_activate(tx) || jack_activate(rx)) return fprintf(stderr, "cannot start\n"), 1;
  if (jack_connect(tx, jack_port_name(out_port), argv[1]))
    return fprintf(stderr, "no port %s\n", argv[1]), 1;
  if (jack_connect(tx, argv[2], jack_port_name(in_port)))
    return fprintf(stderr, "no port %s\n", argv[2]), 1;
  usleep(300000);
  xruns = 0;
  running = 1;
  while (n_off < n_notes) usleep(20000);
  for (int i = 0; i < 50 && n_off_received < n_notes; i++) usleep(20000);
  jack_deactivate(tx);
  jack_deactivate(rx);
  int k = write_csv(argv[5], latency);
  report(latency, k, rate);
  jack_client_close(tx);
  jack_client_close(rx);
  return k ? 0 : 1;
}
