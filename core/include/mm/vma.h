/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's notifier includes it from mm/, for mm_take_all_locks(). */
#ifndef _MN_MM_VMA_H
#define _MN_MM_VMA_H

#include <linux/mm.h>

#endif
