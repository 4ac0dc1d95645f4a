/* The ring of ripieno.ipc.ring in C: its CRC-32, its counts, and appending a record. */
#include <string.h>

#include "jack_bridge.h"

static uint32_t crc_table[256];

static void fill_crc_table(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; bit++)
      value = value & 1 ? 0xEDB88320u ^ (value >> 1) : value >> 1;
    crc_table[i] = value;
  }
}

static uint32_t crc32_of(const uint8_t *data, size_t size, uint32_t seed) {
  uint32_t crc = ~seed;
  for (size_t i = 0; i < size; i++) crc = crc_table[(crc ^ data[i]) & 255] ^ (crc >> 8);
  return ~crc;
}

static _Atomic uint64_t *ring_count(struct bridge *b, int which) {
  return (_Atomic uint64_t *)(b->jack.ring + 8 * which);
}

static void ring_copy(struct bridge *b, uint64_t at, uint8_t *bytes, uint32_t size,
                      int is_write) {
  uint8_t *data = b->jack.ring + HEADER;
  uint64_t total = b->jack.ring_bytes - HEADER, start = at % total;
  uint32_t first = size < total - start ? size : (uint32_t)(total - start);
  if (is_write) {
    memcpy(data + start, bytes, first);
    memcpy(data, bytes + first, size - first);
  } else {
    memcpy(bytes, data + start, first);
    memcpy(bytes + first, data, size - first);
  }
}

static void put_u32(uint8_t *at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get_u32(const uint8_t *at) {
  return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t crc_seed(uint64_t at) { return (uint32_t)(at + 1); }

/* Append one message with its frame; 0 where there is no room. */
static int ring_write(struct bridge *b, int64_t frame, const uint8_t *message,
                      uint32_t size) {
  uint64_t head = atomic_load_explicit(ring_count(b, 0), memory_order_relaxed);
  uint64_t tail = atomic_load_explicit(ring_count(b, 1), memory_order_acquire);
  uint64_t length = RECORD + FRAME + size;
  uint8_t header[RECORD + FRAME];
  if (length > b->jack.ring_bytes - HEADER - (head - tail)) return 0;
  for (int i = 0; i < FRAME; i++) header[RECORD + i] = (uint8_t)(frame >> 8 * i);
  uint32_t crc = crc32_of(header + RECORD, FRAME, crc_seed(head));
  crc = crc32_of(message, size, crc);
  put_u32(header, FRAME + size);
  put_u32(header + 4, crc);
  ring_copy(b, head, header, RECORD + FRAME, 1);
  ring_copy(b, head + RECORD + FRAME, (uint8_t *)message, size, 1);
  atomic_store_explicit(ring_count(b, 0), head + length, memory_order_release);
  return 1;
}
