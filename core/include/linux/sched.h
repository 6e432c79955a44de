/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _MN_LINUX_SCHED_H
#define _MN_LINUX_SCHED_H

#include_next <linux/sched.h>
#include <linux/lockdep.h>
#include <linux/types.h>

#endif
