// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of QEMU's translator that counts how often every block of instructions ran, between
 * two marks that the guest sets (window() in ../src/measure.rs); out=FILE gets lines of
 * "ADDRESS INSTRUCTIONS TIMES". camzone-bench profile makes functions of them.
 *
 * Debian ships no header of the plugin interface; what is used of version 4 of it (QEMU 9.2 and
 * later; see include/qemu/qemu-plugin.h there) is declared here.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
typedef struct qemu_info_t qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_scoreboard;
typedef struct {
	struct qemu_plugin_scoreboard *score;
	size_t offset;
} qemu_plugin_u64;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64, QEMU_PLUGIN_INLINE_STORE_U64 };
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

typedef void (*tb_trans_fn)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*vcpu_fn)(unsigned int vcpu, void *data);
typedef void (*udata_fn)(qemu_plugin_id_t id, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_fn fn);
void qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(struct qemu_plugin_tb *tb, enum qemu_plugin_op op,
						       qemu_plugin_u64 entry, uint64_t imm);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, vcpu_fn fn,
					    enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, udata_fn fn, void *data);
struct qemu_plugin_scoreboard *qemu_plugin_scoreboard_new(size_t element_size);
uint64_t qemu_plugin_u64_sum(qemu_plugin_u64 entry);
void qemu_plugin_u64_set(qemu_plugin_u64 entry, unsigned int vcpu, uint64_t value);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t len);

EXPORT int qemu_plugin_version = 4;

/* Blocks are made anew now and then: the same address has many. */
#define BLOCKS (1u << 20)
static struct {
	uint64_t address;
	uint32_t instructions;
} blocks[BLOCKS];
static unsigned int count, lost;
static struct qemu_plugin_scoreboard *board;
static uint64_t *kept;
static const char *out = "profile";

static qemu_plugin_u64 counter(unsigned int block)
{
	return (qemu_plugin_u64){ board, block * sizeof(uint64_t) };
}

/* nopl 0x5a017a63(%rax) opens the window, nopl 0x5a007a63(%rax) closes it. */
static const uint8_t mark[] = { 0x0f, 0x1f, 0x80, 0x63, 0x7a, 0x00, 0x5a };
#define OPEN_AT 5

static void at_open(unsigned int vcpu, void *data)
{
	for (unsigned int i = 0; i < count; i++)
		qemu_plugin_u64_set(counter(i), vcpu, 0);
}

static void at_close(unsigned int vcpu, void *data)
{
	if (!kept)
		kept = calloc(BLOCKS, sizeof(*kept));
	for (unsigned int i = 0; i < count; i++)
		kept[i] += qemu_plugin_u64_sum(counter(i));
}

static void at_block(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);
	uint8_t bytes[sizeof(mark)];

	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint8_t open;

		if (qemu_plugin_insn_data(insn, bytes, sizeof(bytes)) != sizeof(bytes))
			continue;
		open = bytes[OPEN_AT];
		bytes[OPEN_AT] = 0;
		if (!memcmp(bytes, mark, sizeof(mark)) && open <= 1)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, open ? at_open : at_close,
							       QEMU_PLUGIN_CB_NO_REGS, NULL);
	}
	if (count == BLOCKS) {
		lost++;
		return;
	}
	blocks[count].address = qemu_plugin_tb_vaddr(tb);
	blocks[count].instructions = n;
	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64, counter(count), 1);
	count++;
}

static void at_exit(qemu_plugin_id_t id, void *data)
{
	FILE *file = fopen(out, "w");

	if (!file) {
		perror(out);
		return;
	}
	if (lost)
		fprintf(stderr, "profiler: %u blocks were not counted\n", lost);
	for (unsigned int i = 0; kept && i < count; i++)
		if (kept[i])
			fprintf(file, "%llx %u %llu\n", (unsigned long long)blocks[i].address,
				blocks[i].instructions, (unsigned long long)kept[i]);
	fclose(file);
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!strncmp(argv[i], "out=", 4))
			out = strdup(argv[i] + 4);
	board = qemu_plugin_scoreboard_new(BLOCKS * sizeof(uint64_t));
	qemu_plugin_register_vcpu_tb_trans_cb(id, at_block);
	qemu_plugin_register_atexit_cb(id, at_exit, NULL);
	return 0;
}
