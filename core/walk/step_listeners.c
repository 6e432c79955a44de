/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps of drivers with list notifiers. */
#include "steps.h"

#include "actors.h"
#include "log.h"
#include "world.h"

#include <linux/err.h>
#include <linux/kernel.h>

static void note_listener(const struct listener *listener)
{
	note("L%lu: users %lu, of M%lu, %s", listener_name(listener),
	     (unsigned long)listener->sub.users, mm_name(listener->sub.mm),
	     hlist_unhashed(&listener->sub.hlist) ? "off the list" : "on the list");
}

static void register_listener(bool locked)
{
	struct space *space = use_space(space_is_used);
	struct listener *listener;
	const struct listener_kind *kind;
	int ret;

	if (!space)
		return;
	if (locked)
		mmap_write_lock(space->mm);
	listener = pick_listener(listener_is_free);
	if (listener) {
		listener_make(listener);
		kind = draw_listener_kind();
		listener->sub.ops = kind->ops;
		draw_failures();
		note("L%lu: register%s with M%lu, %s", listener_name(listener),
		     locked ? "_locked" : "", space->name, kind->name);
		if (locked)
			ret = __mmu_notifier_register(&listener->sub, space->mm);
		else
			ret = mmu_notifier_register(&listener->sub, space->mm);
		note("L%lu: registered, %ld", listener_name(listener), (long)ret);
		listener->state = LIVE;
		if (ret)
			listener_free(listener);
		else
			note_listener(listener);
	}
	if (locked)
		mmap_write_unlock(space->mm);
	unuse_space(space);
}

void register_any(void)
{
	register_listener(one_in(4));
}

bool listener_is_registered(const struct listener *listener)
{
	return listener->state == LIVE && !listener->refs && !listener->dying;
}

void unregister_listener(struct listener *listener)
{
	struct space *space = space_of(listener->sub.mm);
	unsigned long name = space->name;

	listener->state = BUSY;
	note("L%lu: unregister", listener_name(listener));
	mmu_notifier_unregister(&listener->sub, space->mm);
	note("L%lu: unregistered", listener_name(listener));
	listener_free(listener);
	note_counts(space, name);
}

void unregister_any(void)
{
	struct listener *listener = pick_listener(listener_is_registered);

	if (listener)
		unregister_listener(listener);
}

/* With a count that is full: an error, if there is one to get. */
static struct mmu_notifier *get_with_full_count(const struct mmu_notifier_ops *ops,
						struct mm_struct *mm)
{
	unsigned int users[LISTENERS];
	struct mmu_notifier *sub;

	for (int i = 0; i < LISTENERS; i++) {
		if (!world.listeners[i].refs)
			continue;
		users[i] = world.listeners[i].sub.users;
		world.listeners[i].sub.users = UINT_MAX;
	}
	sub = mmu_notifier_get_locked(ops, mm);
	for (int i = 0; i < LISTENERS; i++)
		if (world.listeners[i].refs)
			world.listeners[i].sub.users = users[i];
	return sub;
}

static struct mmu_notifier *get_by(unsigned long way, const struct mmu_notifier_ops *ops,
				   struct mm_struct *mm)
{
	struct mmu_notifier *sub;

	if (way)
		return mmu_notifier_get(ops, mm);
	mmap_write_lock(mm);
	sub = one_in(2) ? get_with_full_count(ops, mm) : mmu_notifier_get_locked(ops, mm);
	mmap_write_unlock(mm);
	return sub;
}

void get_listener(void)
{
	struct space *space = use_space(space_is_used);
	const struct listener_kind *kind;
	struct listener *listener;
	struct mmu_notifier *sub;

	if (!space)
		return;
	kind = draw_got_kind();
	draw_failures();
	note("get %s of M%lu", kind->name, space->name);
	sub = get_by(draw(4), kind->ops, space->mm);
	if (IS_ERR(sub)) {
		note("got %ld", PTR_ERR(sub));
	} else {
		listener = container_of(sub, struct listener, sub);
		listener->state = LIVE;
		listener->refs++;
		note("got L%lu", listener_name(listener));
		note_listener(listener);
	}
	unuse_space(space);
}

static bool listener_is_got(const struct listener *listener)
{
	return listener->state == LIVE && (listener->refs || listener->dying);
}

/* Once too often, too, while its memory is there: that is a WARN and nothing
 * else. */
void put_listener(struct listener *listener)
{
	note("L%lu: put", listener_name(listener));
	if (listener->refs && !--listener->refs)
		listener->dying = true;
	mmu_notifier_put(&listener->sub);
	note_listener(listener);
}

void put_any(void)
{
	struct listener *listener = pick_listener(listener_is_got);

	if (listener && (listener->refs || one_in(4)))
		put_listener(listener);
}

void synchronize(void)
{
	note("synchronize");
	mmu_notifier_synchronize();
	note("synchronized");
}
