// SPDX-License-Identifier: GPL-2.0-or-later
/* wake_up_all() of kthreads, all seen asleep before anybody wakes them. */

#include "twin.h"

#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include <linux/sort.h>

enum { WAKER, FIRST, MEDIAN, LAST };

struct herd {
	wait_queue_head_t wq;	/* what is timed */
	wait_queue_head_t back; /* the waker's own */
	unsigned int round;
	bool leave;
	atomic_t awake;
	unsigned int count;
	struct sleeper {
		struct herd *herd;
		struct task_struct *task;
		u64 ran;
	} sleeper[];
};

static int sleeper_main(void *arg)
{
	struct sleeper *s = arg;
	struct herd *h = s->herd;

	for (unsigned int round = 1;; round++) {
		wait_event(h->wq, READ_ONCE(h->round) == round || READ_ONCE(h->leave));
		if (READ_ONCE(h->leave))
			break;
		s->ran = ktime_get_ns();
		if (atomic_inc_return(&h->awake) == h->count)
			wake_up(&h->back);
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(HZ);
	return 0;
}

static int sleeper_start(struct herd *h, unsigned int i)
{
	unsigned int cpu = cpumask_local_spread(i, NUMA_NO_NODE);
	struct task_struct *task = kthread_create_on_node(sleeper_main, &h->sleeper[i],
							  cpu_to_node(cpu), "mnbench_s/%u", i);

	if (IS_ERR(task))
		return PTR_ERR(task);
	h->sleeper[i].herd = h;
	h->sleeper[i].task = task;
	kthread_bind(task, cpu);
	wake_up_process(task);
	return 0;
}

static int herd_setup(struct twin_trial *t)
{
	struct herd *h = kvzalloc(struct_size(h, sleeper, t->param[0]), GFP_KERNEL);
	int ret = 0;

	if (!h)
		return -ENOMEM;
	t->own = h;
	t->threads = 1 + t->param[0];
	init_waitqueue_head(&h->wq);
	init_waitqueue_head(&h->back);
	while (h->count < t->param[0] && !ret) {
		ret = sleeper_start(h, h->count);
		h->count += !ret;
	}
	return ret;
}

static void herd_teardown(struct twin_trial *t)
{
	struct herd *h = t->own;

	if (!h)
		return;
	WRITE_ONCE(h->leave, true);
	wake_up_all(&h->wq);
	while (h->count)
		kthread_stop(h->sleeper[--h->count].task);
	kvfree(h);
}

static bool all_asleep(const struct herd *h)
{
	for (unsigned int i = 0; i < h->count; i++)
		if (READ_ONCE(h->sleeper[i].task->__state) != TASK_UNINTERRUPTIBLE ||
		    READ_ONCE(h->sleeper[i].task->on_rq))
			return false;
	return true;
}

static int by_time(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static int add_sleepers(struct twin_trial *t, const struct herd *h, u64 begin)
{
	u64 *ran = kvmalloc_array(h->count, sizeof(*ran), GFP_KERNEL);

	if (!ran)
		return -ENOMEM;
	for (unsigned int i = 0; i < h->count; i++)
		ran[i] = h->sleeper[i].ran - begin;
	sort(ran, h->count, sizeof(*ran), by_time, NULL);
	t->figure[FIRST].ns += ran[0];
	t->figure[MEDIAN].ns += ran[h->count / 2];
	t->figure[LAST].ns += ran[h->count - 1];
	for (int i = FIRST; i <= LAST; i++) {
		t->figure[i].ops++;
		t->figure[i].parts++;
	}
	kvfree(ran);
	return 0;
}

static int wake_round(struct twin_trial *t)
{
	struct herd *h = t->own;
	u64 begin;

	while (!all_asleep(h)) {
		if (fatal_signal_pending(current))
			return -EINTR;
		schedule_timeout_uninterruptible(1);
	}
	atomic_set(&h->awake, 0);
	begin = twin_begin();
	WRITE_ONCE(h->round, h->round + 1);
	wake_up_all(&h->wq);
	twin_end(t, WAKER, begin, 1);
	wait_event(h->back, atomic_read(&h->awake) == h->count);
	return add_sleepers(t, h, begin);
}

static int wake_all(struct twin_trial *t, u64 n)
{
	int ret = 0;

	while (n-- && !ret)
		ret = wake_round(t);
	return ret;
}

static int nobody_setup(struct twin_trial *t)
{
	wait_queue_head_t *wq = kzalloc(sizeof(*wq), GFP_KERNEL);

	if (!wq)
		return -ENOMEM;
	init_waitqueue_head(wq);
	t->own = wq;
	return 0;
}

static void nobody_teardown(struct twin_trial *t)
{
	kfree(t->own);
}

TWIN_LOOP(wake_nobody, scenario_wake_all(t->own, now))

static const struct twin_op ops[] = {
	{"wake",
	 {"wake_all_waker"},
	 "waitqueue",
	 .param = {{"sleepers", TWIN_LIST(0)}},
	 .setup = nobody_setup,
	 .teardown = nobody_teardown,
	 .run = wake_nobody},
	{"wake",
	 {"wake_all_waker", "wake_all_first", "wake_all_median", "wake_all_last"},
	 "waitqueue",
	 .param = {{"sleepers", TWIN_LIST(1, 8, 64, 256)}},
	 .most = 16,
	 .setup = herd_setup,
	 .teardown = herd_teardown,
	 .run = wake_all},
};

const struct twin_table twin_wake = TWIN_TABLE(ops);
