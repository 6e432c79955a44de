/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of a unit share.
 *
 * A unit is one notifier core with its operations, compiled for a subject and
 * a lock kind and linked into one object of which only the tables of
 * operations are visible: so several cores stand side by side in one program,
 * and the loops inline what a driver's code would inline. From CMake:
 *
 * MN_UNIT          the unit's name; each file's table is MN_UNIT_file
 * MN_SUBJECT       the subject, a string (of the subject, as its headers are)
 * MNCORE_SPINLOCK  the lock kind; where it is not given, Linux's of the architecture
 */
#ifndef MNBENCH_UNIT_H
#define MNBENCH_UNIT_H

#include <linux/spinlock.h>

#include "op.h"

#define UNIT_STRING_(x) #x
#define UNIT_STRING(x)	UNIT_STRING_(x)

#define MN_VARIANT UNIT_STRING(MNCORE_SPINLOCK)

#define UNIT_PASTE_(unit, file) unit##_##file
#define UNIT_PASTE(unit, file)	UNIT_PASTE_(unit, file)
#define UNIT_TABLE(file)	UNIT_PASTE(MN_UNIT, file)

/* The unit that stands for its subject has the lock kind that Linux uses here. */
#define UNIT_OWN_LOCK (!__builtin_strcmp(UNIT_STRING(ARCH_SPINLOCK), MN_VARIANT))

/* Flags: timed for every lock kind in the full profile; timed for the own kind only. */
#define EVERY_LOCK_IN_FULL (UNIT_OWN_LOCK ? 0 : OP_FULL_ONLY)
#define OWN_LOCK_ONLY	   (UNIT_OWN_LOCK ? 0 : OP_LEFT_OUT)

#endif
