/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decode.h"

#include <stdbool.h>
#include <string.h>

/* ---- x86_64 ---- */

struct x86_prefixes {
	bool lock, mandatory; /* 66, F2, F3: they make another instruction of some opcodes */
};

/* The prefixes before the opcode; how many bytes they are. */
static size_t x86_prefixes(const uint8_t *insn, size_t size, struct x86_prefixes *found)
{
	size_t i;

	for (i = 0; i < size; i++) {
		switch (insn[i]) {
		case 0xf0:
			found->lock = true;
			break;
		case 0x66:
		case 0xf2:
		case 0xf3:
			found->mandatory = true;
			break;
		case 0x26: /* segments, and the address size */
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0x64:
		case 0x65:
		case 0x67:
			break;
		default:
			/* REX, if any, is the last one. */
			return i + (insn[i] >> 4 == 4);
		}
	}
	return i;
}

static enum insn_class x86_class(const uint8_t *insn, size_t size)
{
	struct x86_prefixes prefixes = {0};
	size_t i = x86_prefixes(insn, size, &prefixes);
	const uint8_t *op = insn + i;

	if (prefixes.lock)
		return INSN_ATOMIC;
	/* xchg with memory is locked without saying so. */
	if (size >= i + 2 && (op[0] & 0xfe) == 0x86 && op[1] < 0xc0)
		return INSN_ATOMIC;
	/* lfence, mfence, sfence */
	if (size >= i + 3 && op[0] == 0x0f && op[1] == 0xae && op[2] >= 0xe8 && !prefixes.mandatory)
		return INSN_FENCE;
	return INSN_PLAIN;
}

/* ---- arm64 ---- */

static uint32_t word_of(const uint8_t *insn)
{
	return insn[0] | (uint32_t)insn[1] << 8 | (uint32_t)insn[2] << 16 | (uint32_t)insn[3] << 24;
}

/* dsb, dmb, isb, sb; their neighbours are clrex and what has no meaning yet. */
static bool arm64_fence(uint32_t insn)
{
	uint32_t op2 = insn >> 5 & 7;

	return (insn & 0xfffff01f) == 0xd503301f && (op2 == 1 || op2 >= 4);
}

/* stxr, stlxr, stxp, stlxp, cas, casp; not the exclusive loads, nor ldar and stlr. */
static bool arm64_exclusive_store_or_cas(uint32_t insn)
{
	bool not_exclusive = insn >> 23 & 1, load = insn >> 22 & 1, o1 = insn >> 21 & 1;
	bool narrow = !(insn >> 31);

	if ((insn & 0x3f000000) != 0x08000000)
		return false;
	if (not_exclusive)
		return o1; /* cas */
	return !load || (o1 && narrow /* casp with acquire */);
}

/* ldadd and the like, swp; not ldapr, which has the same form. */
static bool arm64_atomic_memory(uint32_t insn)
{
	return (insn & 0x3f200c00) == 0x38200000 && (!(insn >> 15 & 1) || !(insn >> 12 & 7));
}

static enum insn_class arm64_class(const uint8_t *bytes, size_t size)
{
	uint32_t insn = size == 4 ? word_of(bytes) : 0;

	if (arm64_fence(insn))
		return INSN_FENCE;
	if (arm64_exclusive_store_or_cas(insn) || arm64_atomic_memory(insn))
		return INSN_ATOMIC;
	return INSN_PLAIN;
}

/* ---- riscv64 ---- */

#define RISCV_LOAD_RESERVED 2
#define RISCV_PAUSE	    0x0100000f /* a fence that orders nothing: a hint */

static enum insn_class riscv64_class(const uint8_t *bytes, size_t size)
{
	uint32_t insn = size == 4 ? word_of(bytes) : 0;

	switch (insn & 0x7f) {
	case 0x0f: /* fence, fence.i; the others of this opcode care for caches */
		return insn != RISCV_PAUSE && (insn >> 12 & 7) <= 1 ? INSN_FENCE : INSN_PLAIN;
	case 0x2f:
		return insn >> 27 == RISCV_LOAD_RESERVED ? INSN_PLAIN : INSN_ATOMIC;
	}
	return INSN_PLAIN;
}

insn_decoder *insn_decoder_for(const char *target)
{
	if (!strcmp(target, "x86_64"))
		return x86_class;
	if (!strcmp(target, "aarch64"))
		return arm64_class;
	return !strcmp(target, "riscv64") ? riscv64_class : NULL;
}
