/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef _MN_LINUX_CONTAINER_OF_H
#define _MN_LINUX_CONTAINER_OF_H

#include <stddef.h>

#ifndef container_of
#define container_of(ptr, type, member)                                                            \
	((type *)((char *)(1 ? (ptr) : &((type *)0)->member) - offsetof(type, member)))
#endif

#endif
