/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A place for what a notifier core allocates by itself: its subscriptions, with the lock in them.
 */
#ifndef MNBENCH_SLAB_PLACE_H
#define MNBENCH_SLAB_PLACE_H

/* The next kzalloc() of PLACE_ROOM bytes at most gives this zeroed memory, and kfree() leaves it.
 */
void slab_place_next(void *object);

/* If none did up to now, none will. */
void slab_place_end(void);

#endif
