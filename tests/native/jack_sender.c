/* jack_sender: a JACK client that sends numbered notes, to compare a port of ours with.
 *
 * cc -O2 -o jack_sender jack_sender.c -ljack
 * usage: jack_sender NAME NOTES GAP_MS
 *
 * Opens the client NAME with the output port "out", waits until that is connected, and
 * sends NOTES notes, one every GAP_MS (uneven, 0.5 to 1.5 of it): a note-on, and its
 * note-off half a gap later. A note's number is in its channel, key and velocity, as in
 * ripieno.bench.planned. Prints "sent N" (messages) and ends.
 */
#include <jack/jack.h>
#include <jack/midiport.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static jack_client_t *client;
static jack_port_t *port;
static long notes, gap, sent;
static jack_nframes_t next;
static volatile int running, done;
static unsigned seed = 12345;

static unsigned chance(void) { return (seed = seed * 1664525u + 1013904223u) >> 8; }

static void message(long n, unsigned char *data) {
  long note = n / 2, rest = note / 128;
  data[0] = (unsigned char)((n % 2 ? 0x80 : 0x90) | (rest / 127 % 16));
  data[1] = (unsigned char)(note % 128);
  data[2] = (unsigned char)(1 + rest % 127);
}

static int process(jack_nframes_t frames, void *unused) {
  (void)unused;
  void *buffer = jack_port_get_buffer(port, frames);
  jack_midi_clear_buffer(buffer);
  if (!running || done) return 0;
  jack_nframes_t start = jack_last_frame_time(client);
  if (!sent && !next) next = start + 4800;
  while (sent < 2 * notes && (int)(next - start) < (int)frames) {
    int offset = (int)(next - start);
    unsigned char data[3];
    message(sent, data);
    if (jack_midi_event_write(buffer, offset < 0 ? 0 : (jack_nframes_t)offset, data, 3))
      break;
    sent++;
    next += (jack_nframes_t)(gap / 4 + chance() % (unsigned)(gap / 2 + 1));
  }
  done = sent == 2 * notes;
  return 0;
}

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "usage: %s NAME NOTES GAP_MS\n", argv[0]), 2;
  client = jack_client_open(argv[1], JackNoStartServer, NULL);
  if (!client) return fprintf(stderr, "no JACK server\n"), 1;
  notes = atol(argv[2]);
  gap = (long)(atof(argv[3]) * jack_get_sample_rate(client) / 1000);
  port = jack_port_register(client, "out", JACK_DEFAULT_MIDI_TYPE, JackPortIsOutput, 0);
  jack_set_process_callback(client, process, NULL);
  if (!port || jack_activate(client)) return fprintf(stderr, "cannot start\n"), 1;
  while (!jack_port_connected(port)) usleep(20000);
  usleep(300000);
  running = 1;
  while (!done) usleep(20000);
  usleep(500000);
  printf("sent %ld\n", sent);
  jack_client_close(client);
  return 0;
}
