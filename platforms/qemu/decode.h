/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which instructions are atomics and fences, by their bytes. */
#ifndef MNBENCH_QEMU_DECODE_H
#define MNBENCH_QEMU_DECODE_H

#include <stddef.h>
#include <stdint.h>

enum insn_class { INSN_PLAIN, INSN_ATOMIC, INSN_FENCE };

typedef enum insn_class insn_decoder(const uint8_t *insn, size_t size);

/* By qemu's name of the architecture; NULL: none of ours. */
insn_decoder *insn_decoder_for(const char *target);

#endif
