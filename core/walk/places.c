/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address spaces that threads share, that die and are made anew while they are
 * used. */
#include "threads.h"

#include <linux/slab.h>
#include <pthread.h>
#include <string.h>

static struct place *places[2]; /* by by_interval */
static pthread_mutex_t places_lock = PTHREAD_MUTEX_INITIALIZER;

static struct place *place_make(bool by_interval)
{
	struct place *place = kzalloc(sizeof(*place), GFP_KERNEL);

	BUG_ON(!place);
	place->mm = mm_alloc();
	BUG_ON(!place->mm);
	mmgrab(place->mm);
	place->known = 1;
	place->by_interval = by_interval;
	spin_lock_init(&place->table_lock);
	for (int i = 0; i < PAGES; i++)
		place->table[i] = 1;
	for (unsigned long i = 0; by_interval && i < SHARED_MIRRORS; i++)
		mirror_insert(&place->shared[i], place, i * PAGES / 4, PAGES / 2);
	return place;
}

struct place *place_visit(struct walker *walker, bool by_interval)
{
	struct place *place;

	(void)walker;
	pthread_mutex_lock(&places_lock);
	place = places[by_interval];
	place_know(place);
	mmget(place->mm);
	pthread_mutex_unlock(&places_lock);
	return place;
}

void place_leave(struct place *place)
{
	mmput(place->mm);
	place_forget(place);
}

void place_know(struct place *place)
{
	__atomic_fetch_add(&place->known, 1, __ATOMIC_RELAXED);
}

/* Whoever had a subscription has ended it: of the mm's references only the
 * place's own is left. */
void place_forget(struct place *place)
{
	struct mm_struct *mm = place->mm;

	if (__atomic_sub_fetch(&place->known, 1, __ATOMIC_ACQ_REL))
		return;
	for (int i = 0; place->by_interval && i < SHARED_MIRRORS; i++)
		mirror_remove(&place->shared[i]);
	mmu_notifier_synchronize();
	if (atomic_read(&mm->mm_users))
		broken("users", "%d of an mm that nobody uses", atomic_read(&mm->mm_users));
	mmdrop(mm);
	kfree(place);
}

void place_renew(bool by_interval)
{
	struct place *place = place_make(by_interval), *old;

	pthread_mutex_lock(&places_lock);
	old = places[by_interval];
	places[by_interval] = place;
	pthread_mutex_unlock(&places_lock);
	place_leave(old);
}

void places_open(void)
{
	for (int i = 0; i < 2; i++)
		places[i] = place_make(i);
}

void places_close(void)
{
	for (int i = 0; i < 2; i++)
		place_leave(places[i]);
}
