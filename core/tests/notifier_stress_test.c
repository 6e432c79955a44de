/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Readers against writers against those who come and go, on one mm.
 *
 * The page table is an array with a lock, as in the kernel: that orders a walk
 * after read_begin against the change of a range that has ended. A writer
 * changes entries between a range's start and end. A driver mirrors them: it
 * reads an entry after read_begin, takes its own lock, and installs what it
 * read unless read_retry says no. So:
 *
 * - while the lock is held and read_retry said no, the entry is what was read;
 * - between start and end of a range no mirror holds an entry of it.
 */
#include "recorder.h"

#define PAGES	 64
#define MIRRORS	 4
#define ADDR(pg) ((unsigned long)(pg) << PAGE_SHIFT)

struct mirror {
	struct mmu_interval_notifier sub;
	spinlock_t user_lock;
	unsigned long first, n_pages;
	unsigned long entry[PAGES]; /* 0: not mapped */
	bool gone;
};

static struct mm_struct *mm;
static unsigned long page_table[PAGES];
static DEFINE_SPINLOCK(page_table_lock);
static struct mirror mirrors[MIRRORS];
static bool stop;
static unsigned long installed, retried, written, asked, refused, came_and_went;
static unsigned long stale_installs, mapped_while_changing, called_when_gone;

static unsigned long random_of(unsigned long *state, unsigned long n)
{
	*state = *state * 6364136223846793005ul + 1442695040888963407ul;
	return (*state >> 33) % n;
}

/* Drops [first, first + n) of the mirror's pages; under the user lock. */
static void unmap(struct mirror *mirror, unsigned long start, unsigned long end)
{
	for (unsigned long pg = mirror->first; pg < mirror->first + mirror->n_pages; pg++)
		if (ADDR(pg) < end && ADDR(pg + 1) > start)
			mirror->entry[pg] = 0;
}

static bool mirror_invalidate(struct mmu_interval_notifier *sub,
			      const struct mmu_notifier_range *range, unsigned long cur_seq)
{
	struct mirror *mirror = container_of(sub, struct mirror, sub);

	if (get(mirror->gone) || !(cur_seq & 1))
		bump(called_when_gone);
	if (mmu_notifier_range_blockable(range))
		spin_lock(&mirror->user_lock);
	else if (bump(asked) % 8 == 0 || !spin_trylock(&mirror->user_lock))
		return false;
	mmu_interval_set_seq(sub, cur_seq);
	unmap(mirror, range->start, range->end);
	spin_unlock(&mirror->user_lock);
	return true;
}

static const struct mmu_interval_notifier_ops mirror_ops = {.invalidate = mirror_invalidate};

static void mirror_insert(struct mirror *mirror, unsigned long first, unsigned long n_pages)
{
	memset(mirror->entry, 0, sizeof(mirror->entry));
	spin_lock_init(&mirror->user_lock);
	mirror->first = first;
	mirror->n_pages = n_pages;
	set(mirror->gone, false);
	CHECK_EQ(mmu_interval_notifier_insert(&mirror->sub, mm, ADDR(first), ADDR(n_pages),
					      &mirror_ops),
		 0);
}

static void mirror_remove(struct mirror *mirror)
{
	mmu_interval_notifier_remove(&mirror->sub);
	set(mirror->gone, true);
}

static unsigned long page_table_read(unsigned long pg)
{
	unsigned long entry;

	spin_lock(&page_table_lock);
	entry = page_table[pg];
	spin_unlock(&page_table_lock);
	return entry;
}

/* One device fault. */
static void fault(struct mirror *mirror, unsigned long pg)
{
	unsigned long seq, entry;

	seq = mmu_interval_read_begin(&mirror->sub);
	entry = page_table_read(pg);
	if (pg & 1)
		sched_yield();
	spin_lock(&mirror->user_lock);
	if (mmu_interval_read_retry(&mirror->sub, seq)) {
		bump(retried);
	} else {
		if (page_table_read(pg) != entry)
			bump(stale_installs);
		mirror->entry[pg] = entry;
		bump(installed);
	}
	spin_unlock(&mirror->user_lock);
}

static void fault_often(void *arg)
{
	unsigned long state = (unsigned long)arg + 1;

	while (!get(stop)) {
		struct mirror *mirror = &mirrors[random_of(&state, MIRRORS)];

		fault(mirror, mirror->first + random_of(&state, mirror->n_pages));
	}
}

static void nobody_maps(unsigned long first, unsigned long last)
{
	for (int i = 0; i < MIRRORS; i++) {
		struct mirror *mirror = &mirrors[i];

		spin_lock(&mirror->user_lock);
		for (unsigned long pg = first; pg <= last; pg++)
			if (pg >= mirror->first && pg < mirror->first + mirror->n_pages &&
			    mirror->entry[pg])
				bump(mapped_while_changing);
		spin_unlock(&mirror->user_lock);
	}
}

static void change_pages(unsigned long *state)
{
	unsigned long first = random_of(state, PAGES);
	unsigned long last = first + random_of(state, min(PAGES - first, 8ul));
	struct mmu_notifier_range range;

	if (random_of(state, 4)) {
		range = begin(mm, ADDR(first), ADDR(last + 1));
	} else if (begin_nonblock(&range, mm, ADDR(first), ADDR(last + 1))) {
		bump(refused);
		return;
	}
	nobody_maps(first, last);
	spin_lock(&page_table_lock);
	for (unsigned long pg = first; pg <= last; pg++)
		page_table[pg]++;
	spin_unlock(&page_table_lock);
	if (!random_of(state, 8))
		sched_yield();
	nobody_maps(first, last);
	end(&range);
	bump(written);
}

static void change_often(void *arg)
{
	unsigned long state = (unsigned long)arg + 100;

	while (!get(stop)) {
		change_pages(&state);
		/* Readers are let in only when no range at all is under way. */
		if (!random_of(&state, 16))
			sleep_ms(1);
	}
}

static void come_and_go(void *arg)
{
	unsigned long state = (unsigned long)arg + 200;
	static struct mirror own[2];
	struct mirror *mirror = &own[(unsigned long)arg];

	while (!get(stop)) {
		unsigned long first = random_of(&state, PAGES);

		mirror_insert(mirror, first, 1 + random_of(&state, PAGES - first));
		if (random_of(&state, 2))
			fault(mirror, first);
		mirror_remove(mirror);
		bump(came_and_went);
	}
}

static void listen_and_leave(void *arg)
{
	struct listener l;

	(void)arg;
	while (!get(stop)) {
		listen(&l, "l", &no_ops, mm);
		sleep_ms(1);
		unlisten(&l);
	}
}

static void all_at_once(void)
{
	static const struct {
		void (*run)(void *arg);
		unsigned long arg;
	} roles[] = {
		{fault_often, 0}, {fault_often, 1}, {change_often, 0},	   {change_often, 1},
		{come_and_go, 0}, {come_and_go, 1}, {listen_and_leave, 0},
	};
	struct task tasks[ARRAY_SIZE(roles)];

	mm = mm_new();
	for (int pg = 0; pg < PAGES; pg++)
		page_table[pg] = 1;
	for (unsigned long i = 0; i < MIRRORS; i++)
		mirror_insert(&mirrors[i], i * 8, PAGES - i * 8);
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		task_start(&tasks[i], roles[i].run, (void *)roles[i].arg);
	sleep_ms(1000);
	CHECK(EVENTUALLY(get(installed) > 20 && get(written) > 20 && get(refused) > 0 &&
			 get(came_and_went) > 20));
	set(stop, true);
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
		if (!CHECK(task_ends(&tasks[i])))
			return; /* a lost wake-up: no use in waiting for it */
		task_join(&tasks[i]);
	}
	printf("  %lu installed, %lu retried, %lu written, %lu refused, %lu came and went\n",
	       installed, retried, written, refused, came_and_went);
	CHECK_EQ(stale_installs, 0);
	CHECK_EQ(mapped_while_changing, 0);
	CHECK_EQ(called_when_gone, 0);
	for (int i = 0; i < MIRRORS; i++)
		mirror_remove(&mirrors[i]);
	CHECK_EQ(atomic_read(&mm->mm_count), 1);
	mmput(mm);
}

int main(void)
{
	RUN(all_at_once);
	return check_exit();
}
