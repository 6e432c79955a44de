/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The form with real threads: no logs, since no two runs are alike, but what
 * must hold in each of them. An mm has a page table of its own, an array, that
 * drivers mirror: intervals and list notifiers.
 */
#ifndef MN_WALK_THREADS_H
#define MN_WALK_THREADS_H

#include <compat.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/spinlock.h>

enum { PAGES = 32, SHARED_MIRRORS = 2 };

/* A driver of an interval: what it has mapped of the page table. */
struct mirror {
	struct mmu_interval_notifier sub;
	struct place *place;
	spinlock_t user_lock;
	unsigned long first, pages;
	unsigned long entry[PAGES]; /* 0: not mapped */
	bool live;		    /* from before its insertion until its removal has returned */
};

/* An mm, from its making until the last who knows it has gone. */
struct place {
	struct mm_struct *mm;
	unsigned long known; /* by so many */
	bool by_interval;    /* else by list notifiers that may refuse */
	spinlock_t table_lock;
	unsigned long table[PAGES];
	struct mirror shared[SHARED_MIRRORS];
};

/* One thread's own. */
struct walker {
	u64 random;
	struct mirror mirror;
	struct place *mirrored; /* NULL: the mirror is not inserted */
	struct listening *listening;
	struct place *listened;
	struct mmu_notifier *got;
	struct place *got_of;
};

/** broken - an invariant does not hold: says so with the seed, and ends the
 * program with 1 */
void broken(const char *invariant, const char *fmt, ...)
	__attribute__((__noreturn__, __format__(__printf__, 2, 3)));

static inline unsigned long pick(struct walker *walker, unsigned long n)
{
	walker->random = walker->random * 6364136223846793005ull + 1442695040888963407ull;
	return (walker->random >> 33) % n;
}

static inline unsigned long address(unsigned long page)
{
	return page << PAGE_SHIFT;
}

/* ---- places.c ---- */

/** place_visit - one to use, whose mm has users until place_leave() */
struct place *place_visit(struct walker *walker, bool by_interval);
void place_leave(struct place *place);
/* To know it without using its mm; the last one to forget it checks what it
 * leaves. */
void place_know(struct place *place);
void place_forget(struct place *place);
/** place_renew - its mm dies as soon as nobody uses it; the next visitor finds
 * a new one */
void place_renew(bool by_interval);
void places_open(void);
void places_close(void);

/* ---- mirrors.c ---- */

void mirror_insert(struct mirror *mirror, struct place *place, unsigned long first,
		   unsigned long pages);
void mirror_remove(struct mirror *mirror);
/* What threads do with intervals. */
void fault_shared(struct walker *walker);
void change_pages(struct walker *walker);
void come_or_go(struct walker *walker);

/* ---- listeners.c ---- */

void listen_or_leave(struct walker *walker);
void get_or_put(struct walker *walker);
void age(struct walker *walker);
void pass_refused(struct walker *walker);
/** listeners_close - everybody has put what he got: all of it is freed */
void listeners_close(void);

#define THREADS_MAX 256

/** threads_walk - N threads for SECONDS; 0, or does not return */
int threads_walk(unsigned long n, unsigned long seconds, unsigned long seed);

#endif
