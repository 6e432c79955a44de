/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SRCU: READERS readers of SECTIONS sections each, UPDATERS updaters of PERIODS
 * grace periods each. An updater replaces its object, waits for a grace
 * period, and frees the old one. FAST: readers of the fast kind. HANDED: the
 * first reader's section is left by another thread.
 *
 * used_after_free: a reader reaches an object that is freed.
 * freed_in_use: an object is freed, and nothing orders a reader's access before that.
 * left_behind: a grace period ends before a section that it found.
 * kept_coming: a reader enters the rank that a grace period has left, more than once after
 *	the barrier that follows the flip: the scan may never end, or a count wrap under it.
 * unbalanced: all readers are gone, and a rank does not count as empty: its scan never ends.
 *
 * PASS_x does not look at a property, so that the search goes on to the one behind it.
 *
 * OF core/srcu.c: gp_barrier sum_locks sum_unlocks rank_is_empty wait_for_rank grace_period
 * OF core/srcu.c: gp_snap synchronize_srcu srcu_read_unlock_elsewhere
 * OF core/include/linux/srcu.h: srcu_read_lock srcu_read_unlock __srcu_count_out
 * OF core/include/linux/srcu.h: srcu_read_lock_fast srcu_read_unlock_fast
 *
 * PROOF plain: -DREADERS=2 -DPERIODS=2
 * BREAKS plain NO_LOCK_BARRIER: used_after_free: smp_mb() in srcu_read_lock()
 * BREAKS plain NO_UNLOCK_BARRIER: freed_in_use: smp_mb() in srcu_read_unlock()
 * BREAKS plain NO_SCAN_BARRIER: freed_in_use: the barrier between a scan's halves
 * BREAKS plain LOCKS_FIRST: freed_in_use: unlock counts before lock counts
 * BREAKS plain NO_FIRST_SCAN: used_after_free: the scan of the idle rank
 * BREAKS plain NO_SECOND_SCAN: used_after_free: the scan of the rank left
 * BREAKS plain NO_FIRST_SCAN PASS_USE: left_behind: the same, by the section
 * BREAKS plain NO_SECOND_SCAN PASS_USE: left_behind: the same, by the section
 * SPARE plain NO_A NO_B NO_D: each is covered by the barrier inside the scan beside it
 *
 * PROOF fast: -DFAST -DREADERS=2 -DPERIODS=2
 * BREAKS fast NO_MEMBARRIER: used_after_free: membarrier(2) in gp_barrier()
 * BREAKS fast NO_SCAN_BARRIER: used_after_free: the barrier between a scan's halves
 * BREAKS fast NO_FIRST_SCAN: used_after_free: the scan of the idle rank
 * BREAKS fast NO_SECOND_SCAN: used_after_free: the scan of the rank left
 * SPARE fast NO_A NO_B NO_D: as in the plain kind
 *
 * PROOF busy: -DREADERS=1 -DSECTIONS=4 -DPERIODS=1
 * BREAKS busy NO_FLIP: kept_coming: the flip
 * BREAKS busy NO_C: kept_coming: barrier C
 * BREAKS busy RANK_FORGOTTEN: unbalanced: the index that srcu_read_lock() returns
 * PROOF busy_fast: -DFAST -DREADERS=1 -DSECTIONS=4 -DPERIODS=1
 * BREAKS busy_fast NO_FLIP: kept_coming: the flip
 * BREAKS busy_fast NO_C: kept_coming: barrier C
 *
 * PROOF handed: -DHANDED -DREADERS=2 -DPERIODS=2
 * PROOF handed_fast: -DHANDED -DFAST -DREADERS=2 -DPERIODS=2
 *
 * PROOF shared: -DREADERS=1 -DUPDATERS=2 -DPERIODS=1
 * BREAKS shared NO_SNAP_BARRIER: used_after_free: smp_mb() in gp_snap()
 * BREAKS shared SNAP_TOO_SOON: used_after_free: the 3 in gp_snap()
 * SPARE shared NO_LAST_BARRIER: gp_mutex hands over what the grace period knew
 * PROOF shared_fast: -DFAST -DREADERS=1 -DUPDATERS=2 -DPERIODS=1
 *
 * FULL two_sections: -DREADERS=2 -DSECTIONS=2 -DPERIODS=2
 * FULL two_sections_fast: -DFAST -DREADERS=2 -DSECTIONS=2 -DPERIODS=2
 * FULL three_readers: -DREADERS=3 -DPERIODS=1
 * FULL shared_twice: -DREADERS=1 -DUPDATERS=2 -DPERIODS=2
 */
#ifndef UPDATERS
#define UPDATERS 1
#endif
#ifndef SECTIONS
#define SECTIONS 1
#endif

/* A CPU is a thread; readers come first. */
#define THREADS READERS + UPDATERS

#define RANK		    0
#define GP_SEQ		    1
#define LOCKS(cpu, rank)    (2 + 4 * (cpu) + (rank))
#define UNLOCKS(cpu, rank)  (4 + 4 * (cpu) + (rank))
#define ACCESSES(cpu)	    (2 + 4 * READERS + (cpu))
#define POINTER(updater)    (2 + 5 * READERS + (updater) - READERS)
#define PLACES		    2 + 5 * READERS + UPDATERS
#include "weak.pml"

/* Updater U's Nth object; a pointer's Nth write points to the Nth. */
#define OBJECT(u, n) (((u) - READERS) * (PERIODS + 1) + (n))
#define OBJECTS	     UPDATERS * (PERIODS + 1)
#define USE(cpu, object) ((cpu) * (OBJECTS) + (object))

bool freed[OBJECTS];
byte uses[READERS * OBJECTS]; /* which of the reader's accesses was its last of the object */

bool inside[READERS];
byte awaited[READERS]; /* bit U: the grace period of updater U found the section */
byte left = 2;	       /* the rank that a grace period has left, from its barrier C on */
byte late[READERS];

bool used_after_free, freed_in_use, left_behind, kept_coming, unbalanced;

byte ended;

inline count(place)
{
	n = n + last[LOCKS(place, rank)] - last[UNLOCKS(place, rank)]
}

/* The last reader to end leaves every rank empty. */
inline end()
{
	atomic {
		ended++;
		rank = 0;
		do
		:: ended == READERS && rank < 2 ->
			n = 0;
			v = 0;
			do
			:: v < READERS -> count(v); v++
			:: else -> break
			od;
			unbalanced = n != 0;
			assert(!unbalanced);
			rank++
		:: else -> break
		od
	}
}

/* ---- readers ---- */

#ifdef FAST
#define reader_barrier(t) skip
#else
#define reader_barrier(t) barrier(t)
#endif

inline read_lock()
{
	atomic {
		load(_pid, RANK, v);
		rank = v % 2;
		v = 0
	};
	d_step {
		store(_pid, LOCKS(_pid, rank));
		late[_pid] = late[_pid] + (left == rank);
		kept_coming = late[_pid] > 1;
		assert(!kept_coming)
	};
	atomic {
#ifndef NO_LOCK_BARRIER
		reader_barrier(_pid);
#endif
		inside[_pid] = true
	}
}

inline read_unlock()
{
	atomic {
		inside[_pid] = false;
		awaited[_pid] = 0;
#ifndef NO_UNLOCK_BARRIER
		reader_barrier(_pid);
#endif
	};
	d_step {
#ifdef RANK_FORGOTTEN
		rank = last[RANK] % 2;
#endif
		store(_pid, UNLOCKS(_pid, rank));
		rank = 0
	}
}

/* Follows any updater's pointer. */
inline use()
{
	atomic {
		if
		:: load(_pid, POINTER(READERS), v)
#if UPDATERS > 1
		:: load(_pid, POINTER(READERS + 1), v); v = v + OBJECT(READERS + 1, 0)
#endif
		fi
	};
	d_step {
#ifndef PASS_USE
		used_after_free = freed[v];
#endif
		assert(!used_after_free);
		store(_pid, ACCESSES(_pid));
		uses[USE(_pid, v)] = last[ACCESSES(_pid)];
		v = 0
	}
}

#ifdef HANDED
/* The section that thread 0 entered is left by thread 1, which goes on with one of its own. */
byte handed = 2;
view_t handed_view;
#endif

active [READERS] proctype reader()
{
	byte rank, v, n;

#ifdef HANDED
	if
	:: _pid == 0 ->
		read_lock();
		use();
		atomic {
			d_step { learn(handed_view, view[0]) };
			handed = rank;
			goto out
		}
	:: _pid == 1 ->
		atomic {
			handed < 2;
			d_step { learn(view[1], handed_view) };
			rank = handed;
			inside[0] = false;
			awaited[0] = 0
		};
		reader_barrier(_pid);
		store(_pid, UNLOCKS(_pid, rank))
	:: else
	fi;
#endif
	do
	:: n < SECTIONS ->
		read_lock();
		use();
		read_unlock();
		n++
	:: else -> break
	od;
out:	end()
}

/* ---- updaters ---- */

inline gp_barrier()
{
	barrier(_pid);
#ifdef FAST
#ifndef NO_MEMBARRIER
	/* Into each reader, one after another, wherever it is in its own course. */
	do
	:: r < READERS -> barrier(r); r++
	:: else -> r = 0; break
	od;
	barrier(_pid)
#endif
#endif
}

inline sum(first, total)
{
	do
	:: r < READERS ->
		atomic {
			load(_pid, (first) + 4 * r, v);
			total = total + v;
			v = 0;
			r++
		}
	:: else -> r = 0; break
	od
}

inline wait_for_rank(rank)
{
	do
	::
#ifdef LOCKS_FIRST
		sum(LOCKS(0, rank), locks);
		gp_barrier();
		sum(UNLOCKS(0, rank), unlocks);
#else
		sum(UNLOCKS(0, rank), unlocks);
#ifndef NO_SCAN_BARRIER
		gp_barrier();
#endif
		sum(LOCKS(0, rank), locks);
#endif
		atomic {
			if
			:: locks == unlocks -> locks = 0; unlocks = 0; break
			:: else -> locks = 0; unlocks = 0
			fi
		}
	od
}

inline grace_period()
{
	/* Only the holder of gp_mutex writes it. */
	current = last[RANK] % 2;
#ifndef NO_A
	gp_barrier();
#endif
#ifndef NO_FIRST_SCAN
	wait_for_rank((1 - current));
#endif
#ifndef NO_B
	gp_barrier();
#endif
#ifndef NO_FLIP
	store(_pid, RANK);
#endif
#ifndef NO_C
	gp_barrier();
#endif
	left = current;
#ifndef NO_SECOND_SCAN
	wait_for_rank(current);
#endif
	atomic {
		left = 2;
		do
		:: r < READERS -> late[r] = 0; r++
		:: else -> r = 0; break
		od
	};
#ifndef NO_D
	gp_barrier();
#endif
	current = 0
}

bool gp_mutex;
view_t gp_mutex_view;

inline gp_snap()
{
#ifndef NO_SNAP_BARRIER
	barrier(_pid);
#endif
	load(_pid, GP_SEQ, v);
#ifdef SNAP_TOO_SOON
	snap = (v + 2) / 2 * 2;
#else
	snap = (v + 3) / 2 * 2;
#endif
	v = 0
}

inline synchronize_srcu()
{
	gp_snap();
	atomic {
		!gp_mutex;
		gp_mutex = true;
		d_step { learn(view[_pid], gp_mutex_view) }
	};
	if
	:: last[GP_SEQ] < snap ->
		store(_pid, GP_SEQ);
		grace_period();
		store(_pid, GP_SEQ)
	:: else
	fi;
	d_step {
		learn(gp_mutex_view, view[_pid]);
		gp_mutex = false;
		snap = 0
	};
#ifndef NO_LAST_BARRIER
	barrier(_pid)
#endif
}

/* The sections that are inside when a grace period is asked for, and none when it has ended. */
inline note_inside()
{
	d_step {
		do
		:: r < READERS ->
			if
			:: inside[r] -> awaited[r] = awaited[r] | (1 << _pid)
			:: else
			fi;
			r++
		:: else -> r = 0; break
		od
	}
}

inline free_object()
{
	d_step {
		do
		:: r < READERS ->
			left_behind = (awaited[r] & (1 << _pid)) != 0;
			assert(!left_behind);
#ifndef PASS_USE
			freed_in_use = uses[USE(r, OBJECT(_pid, n))] > view[_pid].at[ACCESSES(r)];
#endif
			assert(!freed_in_use);
			r++
		:: else -> r = 0; break
		od;
		freed[OBJECT(_pid, n)] = true
	}
}

active [UPDATERS] proctype updater()
{
	byte n, v, r, snap, current, locks, unlocks;

	do
	:: n < PERIODS ->
		store(_pid, POINTER(_pid));
		note_inside();
		synchronize_srcu();
		free_object();
		n++
	:: else -> break
	od
}
