/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _MN_LINUX_ERRNO_H
#define _MN_LINUX_ERRNO_H

#include_next <linux/errno.h>

#endif
