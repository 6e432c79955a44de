/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plugin of qemu-user: counts the instructions that a thread of the emulated
 * program executes between two marks, by kind; count.h says what is what.
 *
 *	qemu-riscv64 -plugin count.so,out=FILE PROGRAM
 *
 * A translation block is entered at its top and left at its end, but for an
 * access that faults, which ends a program of ours: so instructions are added up
 * by the block. The last one may not be in it, though we are told that it is:
 * the emulator takes back an x86 instruction that goes on in the next page, and
 * has shown us only a part of its bytes. So any that may go on there is counted
 * when it is executed.
 *
 * Loads and stores are seen as they happen, several times where an instruction
 * makes several, or where the emulator splits one: they are told apart from the
 * next execution by the number of the block's. An x86 instruction with a repeat
 * prefix counts as often as it repeats.
 */
#include <errno.h>
#include <fcntl.h>
#include <qemu-plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "count.h"
#include "decode.h"

#define MAX_VCPUS    1024
#define PAGE	     4096 /* of the emulator's translations, on all of our architectures */
#define LONGEST_INSN 15

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

/* One instruction of a block: its last access of each direction is remembered by the thread. */
struct insn {
	enum insn_class class;
};

struct block {
	struct block *next;
	uint64_t insns, atomics, fences;
	struct insn insn[];
};

struct vcpu {
	_Alignas(64) uint64_t count[COUNT_KINDS];
	uint64_t entered; /* blocks */
	struct {
		const struct insn *insn;
		uint64_t entered;
	} last[2]; /* load, store */
	bool counting;
};

static struct vcpu vcpus[MAX_VCPUS];
static insn_decoder *decode;
static struct block *blocks; /* of all translations since the last flush */
static int answer = -1;

static void block_entered(unsigned int vcpu, void *userdata)
{
	const struct block *block = userdata;
	struct vcpu *v = &vcpus[vcpu];

	if (vcpu >= MAX_VCPUS || !v->counting)
		return;
	v->entered++;
	v->count[COUNT_INSNS] += block->insns;
	v->count[COUNT_ATOMICS] += block->atomics;
	v->count[COUNT_FENCES] += block->fences;
}

static void executed(unsigned int vcpu, void *userdata)
{
	const struct insn *insn = userdata;
	struct vcpu *v = &vcpus[vcpu];

	if (vcpu >= MAX_VCPUS || !v->counting)
		return;
	v->count[COUNT_INSNS]++;
	v->count[COUNT_ATOMICS] += insn->class == INSN_ATOMIC;
	v->count[COUNT_FENCES] += insn->class == INSN_FENCE;
}

static void accessed(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t address,
		     void *userdata)
{
	const struct insn *insn = userdata;
	struct vcpu *v = &vcpus[vcpu];
	bool store = qemu_plugin_mem_is_store(info);

	(void)address;
	if (vcpu >= MAX_VCPUS || !v->counting || insn->class == INSN_ATOMIC)
		return;
	if (v->last[store].insn == insn && v->last[store].entered == v->entered)
		return;
	v->last[store].insn = insn;
	v->last[store].entered = v->entered;
	v->count[store ? COUNT_STORES : COUNT_LOADS]++;
}

static struct block *block_new(size_t insns)
{
	struct block *block = calloc(1, sizeof(*block) + insns * sizeof(block->insn[0]));

	if (!block)
		abort();
	block->next = blocks;
	blocks = block;
	return block;
}

static bool may_go_on(struct qemu_plugin_insn *insn)
{
	return qemu_plugin_insn_vaddr(insn) % PAGE + LONGEST_INSN > PAGE;
}

static void add_to_block(struct block *block, enum insn_class class)
{
	block->insns++;
	block->atomics += class == INSN_ATOMIC;
	block->fences += class == INSN_FENCE;
}

/* One at a time: the emulator translates under a lock. */
static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t insns = qemu_plugin_tb_n_insns(tb);
	struct block *block = block_new(insns);

	(void)id;
	for (size_t i = 0; i < insns; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		struct insn *ours = &block->insn[i];

		ours->class = decode(qemu_plugin_insn_data(insn), qemu_plugin_insn_size(insn));
		if (may_go_on(insn))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, executed,
							       QEMU_PLUGIN_CB_NO_REGS, ours);
		else
			add_to_block(block, ours->class);
		qemu_plugin_register_vcpu_mem_cb(insn, accessed, QEMU_PLUGIN_CB_NO_REGS,
						 QEMU_PLUGIN_MEM_RW, ours);
	}
	qemu_plugin_register_vcpu_tb_exec_cb(tb, block_entered, QEMU_PLUGIN_CB_NO_REGS, block);
}

/* All threads stand still: no translation is left that has one of these. */
static void flushed(qemu_plugin_id_t id)
{
	struct block *block;

	(void)id;
	while ((block = blocks)) {
		blocks = block->next;
		free(block);
	}
}

static void tell(struct vcpu *v, uint64_t tag)
{
	const uint64_t *n = v->count;
	char line[192];
	int len = snprintf(line, sizeof(line), COUNT_ANSWER_FORMAT, (unsigned long)tag,
			   (unsigned long)n[COUNT_INSNS], (unsigned long)n[COUNT_LOADS],
			   (unsigned long)n[COUNT_STORES], (unsigned long)n[COUNT_ATOMICS],
			   (unsigned long)n[COUNT_FENCES]);

	/* What cannot be written the program finds missing. */
	if (ftruncate(answer, 0) || pwrite(answer, line, (size_t)len, 0) != len)
		perror("count.so");
	memset(v->count, 0, sizeof(v->count));
}

static void syscalled(qemu_plugin_id_t id, unsigned int vcpu, int64_t number, uint64_t request,
		      uint64_t tag, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6, uint64_t a7,
		      uint64_t a8)
{
	struct vcpu *v = &vcpus[vcpu];

	(void)id, (void)a3, (void)a4, (void)a5, (void)a6, (void)a7, (void)a8;
	if (number != COUNT_SYSCALL || vcpu >= MAX_VCPUS)
		return;
	if (request == COUNT_TELL)
		tell(v, tag);
	else
		v->counting = request == COUNT_BEGIN;
}

static const char *value_of(const char *argument, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(argument, name, len) && argument[len] == '=' ? argument + len + 1 : NULL;
}

static int refuse(const char *what, const char *why)
{
	fprintf(stderr, "count.so: %s: %s\n", what, why);
	return -1;
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
					   char **argv)
{
	const char *path = argc == 1 ? value_of(argv[0], "out") : NULL;

	decode = insn_decoder_for(info->target_name);
	if (info->system_emulation || !decode)
		return refuse(info->target_name, "not a program of x86_64, aarch64 or riscv64");
	if (!path)
		return refuse("arguments", "wants out=FILE");
	answer = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	if (answer < 0)
		return refuse(path, strerror(errno));
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_vcpu_syscall_cb(id, syscalled);
	qemu_plugin_register_flush_cb(id, flushed);
	return 0;
}
