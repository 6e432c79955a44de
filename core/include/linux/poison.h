/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a pointer holds that must not be followed any more: no such address is ever mapped. */
#ifndef _MN_LINUX_POISON_H
#define _MN_LINUX_POISON_H

#define LIST_POISON1 ((void *)0xdead4ead00000100UL)
#define LIST_POISON2 ((void *)0xdead4ead00000122UL)

#endif
