/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _MN_LINUX_STDDEF_H
#define _MN_LINUX_STDDEF_H

#include_next <linux/stddef.h>
#include <stdbool.h>
#include <stddef.h>

#endif
