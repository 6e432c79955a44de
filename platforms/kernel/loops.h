/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loops over what the notifiers stand on. Written to the kernel's interface, which whoever
 * includes this has included before: see scenarios.h.
 */
#ifndef MNBENCH_LOOPS_H
#define MNBENCH_LOOPS_H

static inline void scenario_use(unsigned long value)
{
	__asm__ __volatile__("" : : "r"(value));
}

static inline void scenario_lock_pair(spinlock_t *lock, uint64_t n)
{
	while (n--) {
		spin_lock(lock);
		spin_unlock(lock);
	}
}

static inline void scenario_srcu_pair(struct srcu_struct *ssp, uint64_t n)
{
	while (n--)
		srcu_read_unlock(ssp, srcu_read_lock(ssp));
}

static inline void scenario_srcu_nested(struct srcu_struct *ssp, uint64_t n)
{
	while (n--) {
		int outer = srcu_read_lock(ssp), inner = srcu_read_lock(ssp);

		srcu_read_unlock(ssp, inner);
		srcu_read_unlock(ssp, outer);
	}
}

static inline void scenario_synchronize(struct srcu_struct *ssp, uint64_t n)
{
	while (n--)
		synchronize_srcu(ssp);
}

static inline void scenario_wake_all(wait_queue_head_t *wq, uint64_t n)
{
	while (n--)
		wake_up_all(wq);
}

#endif
