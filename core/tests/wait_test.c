/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wait queues: no wake-up is lost, a sleeper looks again, nobody asleep costs no system call. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/mm.h>
#include <linux/seccomp.h>
#include <linux/wait.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "check.h"

static DECLARE_WAIT_QUEUE_HEAD(wq);

/* ---- two threads, ball in turns ---- */

static wait_queue_head_t sides[2];
static unsigned long ball, n_rounds;

static void play(void *arg)
{
	unsigned long me = (unsigned long)arg;

	for (unsigned long n = me; n < 2 * n_rounds; n += 2) {
		wait_event(sides[me], get(ball) == n);
		set(ball, n + 1);
		wake_up_all(&sides[!me]);
	}
}

static void ping_pong(void)
{
	struct task tasks[2];

	n_rounds = rounds(20000);
	init_waitqueue_head(&sides[0]);
	init_waitqueue_head(&sides[1]);
	for (unsigned long i = 0; i < 2; i++)
		task_start(&tasks[i], play, (void *)i);
	for (int i = 0; i < 2; i++)
		task_join(&tasks[i]);
	CHECK_EQ(ball, 2 * n_rounds);
}

/* ---- many sleepers on one queue, several wakers, each sleeper its own condition ---- */

#define SLEEPERS 6

static unsigned long wanted[SLEEPERS], served[SLEEPERS];
static bool stop;

static void sleep_often(void *arg)
{
	unsigned long me = (unsigned long)arg;

	for (unsigned long n = 1; n <= n_rounds; n++) {
		set(wanted[me], n);
		wait_event(wq, get(served[me]) == n);
	}
}

static void serve(void *arg)
{
	unsigned long parity = (unsigned long)arg;

	while (!get(stop)) {
		bool idle = true;

		for (unsigned long i = parity; i < SLEEPERS; i += 2) {
			if (get(served[i]) == get(wanted[i]))
				continue;
			set(served[i], get(wanted[i]));
			wake_up_all(&wq);
			idle = false;
		}
		if (idle)
			sched_yield();
	}
}

static void crowd(void)
{
	struct task sleepers[SLEEPERS], wakers[2];

	n_rounds = rounds(1000);
	for (unsigned long i = 0; i < SLEEPERS; i++)
		task_start(&sleepers[i], sleep_often, (void *)i);
	for (unsigned long i = 0; i < 2; i++)
		task_start(&wakers[i], serve, (void *)i);
	for (int i = 0; i < SLEEPERS; i++)
		task_join(&sleepers[i]);
	set(stop, true);
	for (int i = 0; i < 2; i++)
		task_join(&wakers[i]);
	for (int i = 0; i < SLEEPERS; i++)
		CHECK_EQ(served[i], n_rounds);
}

/* ---- one at a time ---- */

static bool ready;
static unsigned int looks;

static void wait_for_ready(void *arg)
{
	(void)arg;
	wait_event(wq, (bump(looks), get(ready)));
}

static void all_are_woken(void)
{
	struct task tasks[32];

	ready = false;
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		task_start(&tasks[i], wait_for_ready, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
		CHECK(task_blocks(&tasks[i]));
	CHECK(waitqueue_active(&wq));
	set(ready, true);
	CHECK(task_blocks(&tasks[0])); /* the condition alone wakes nobody */
	wake_up_all(&wq);
	for (size_t i = 0; i < ARRAY_SIZE(tasks); i++) {
		CHECK(task_ends(&tasks[i]));
		task_join(&tasks[i]);
	}
	CHECK(!waitqueue_active(&wq));
}

static void do_nothing(int signal)
{
	(void)signal;
}

static void sleeper_looks_again(void)
{
	struct sigaction act = {.sa_handler = do_nothing}; /* no SA_RESTART */
	struct task task;
	unsigned int before;

	/* Woken for nothing. */
	ready = false;
	task_start(&task, wait_for_ready, NULL);
	CHECK(task_blocks(&task));
	before = get(looks);
	wake_up_all(&wq);
	CHECK(EVENTUALLY(get(looks) > before));
	CHECK(task_blocks(&task));

	/* A signal. */
	sigaction(SIGUSR1, &act, NULL);
	before = get(looks);
	pthread_kill(task.thread, SIGUSR1);
	CHECK(EVENTUALLY(get(looks) > before));
	CHECK(task_blocks(&task));

	set(ready, true);
	wake_up(&wq);
	CHECK(task_ends(&task));
	task_join(&task);
}

static void sleep_on_old_word(void *val)
{
	wait_queue_sleep(&wq, *(u32 *)val);
}

/*
 * Between its look at the condition and its sleep a wake-up passes, and the
 * next sleeper announces itself: the word has SLEEPERS again, but is another.
 */
static void late_sleeper_does_not_sleep(void)
{
	u32 val = wait_queue_prepare(&wq);
	struct task task;

	wake_up_all(&wq);
	CHECK_EQ(wait_queue_prepare(&wq) & WQ_SLEEPERS, WQ_SLEEPERS);
	task_start(&task, sleep_on_old_word, &val);
	CHECK(!task_blocks(&task));
	wake_up_all(&wq);
	CHECK(task_ends(&task));
	task_join(&task);
}

/* False; but at the NTH look the condition has just become true, and the waker gone by. */
static bool true_after(unsigned int *look, unsigned int nth)
{
	if (get(ready))
		return true;
	if (++*look == nth) {
		set(ready, true);
		wake_up_all(&wq);
	}
	return false;
}

static void wait_with_a_waker_at(void *nth)
{
	unsigned int look = 0;

	wait_event(wq, true_after(&look, *(unsigned int *)nth));
}

static void waker_between_the_steps(void)
{
	struct task task;

	/* 1: before the sleeper has announced itself; 2: after. */
	for (unsigned int nth = 1; nth <= 2; nth++) {
		ready = false;
		task_start(&task, wait_with_a_waker_at, &nth);
		CHECK(!task_blocks(&task));
		wake_up_all(&wq);
		task_join(&task);
	}
}

static void set_up(void)
{
	DECLARE_WAIT_QUEUE_HEAD(declared);
	wait_queue_head_t over_garbage = {~0u};

	CHECK(!waitqueue_active(&declared));
	CHECK(waitqueue_active(&over_garbage));
	init_waitqueue_head(&over_garbage);
	CHECK(!waitqueue_active(&over_garbage));
	CHECK_EQ(over_garbage.word, declared.word);
}

static void true_at_once(void)
{
	unsigned int evaluated = 0;

	ready = true;
	wait_event(wq, (evaluated++, true));
	CHECK_EQ(evaluated, 1);
	CHECK(!waitqueue_active(&wq));
}

/* ---- system calls, counted by a filter on this one thread ---- */

static unsigned int futex_calls;

static void count_futex(int signal)
{
	(void)signal;
	bump(futex_calls);
}

/* Each futex call of the calling thread is counted, not done, from now on. */
static int trap_futex(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {ARRAY_SIZE(code), code};
	struct sigaction act = {.sa_handler = count_futex};

	sigaction(SIGSYS, &act, NULL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno : 0;
}

static bool never_called(struct mmu_interval_notifier *sub, const struct mmu_notifier_range *range,
			 unsigned long cur_seq)
{
	(void)range;
	mmu_interval_set_seq(sub, cur_seq);
	return true;
}

static const struct mmu_interval_notifier_ops ops = {.invalidate = never_called};
static struct mmu_interval_notifier sub;
static struct mm_struct *mm;
static int trapped;

static void count_system_calls(void *arg)
{
	struct mmu_notifier_range range;
	unsigned long seq;

	(void)arg;
	trapped = trap_futex();
	if (trapped)
		return;
	/* Nobody asleep, on a queue that somebody slept on before. */
	for (int i = 0; i < 100; i++)
		wake_up_all(&wq);
	CHECK_EQ(get(futex_calls), 0);

	/* The same behind an invalidation that hits, and a read of it. */
	for (int i = 0; i < 100; i++) {
		mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, 0x1000, 0x2000);
		mmap_read_lock(mm);
		mmu_notifier_invalidate_range_start(&range);
		mmu_notifier_invalidate_range_end(&range);
		mmap_read_unlock(mm);
		seq = mmu_interval_read_begin(&sub);
		CHECK(!mmu_interval_read_retry(&sub, seq));
	}
	CHECK_EQ(get(futex_calls), 0);

	/* The filter does count: announced sleepers are worth one call, once. */
	wait_queue_prepare(&wq);
	wait_queue_prepare(&wq);
	wake_up_all(&wq);
	CHECK_EQ(get(futex_calls), 1);
	wake_up_all(&wq);
	CHECK_EQ(get(futex_calls), 1);
}

static void nobody_asleep(void)
{
	struct task task;

	if (CHECK_SANITIZED) {
		check_skip("a sanitizer makes system calls of its own");
		return;
	}
	all_are_woken();
	mm = mm_alloc();
	CHECK_EQ(mmu_interval_notifier_insert(&sub, mm, 0x1000, 0x1000, &ops), 0);
	task_start(&task, count_system_calls, NULL);
	task_join(&task);
	if (trapped)
		check_skip("no seccomp filter can be set here (an emulator, or a kernel without)");
	mmu_interval_notifier_remove(&sub);
	mmput(mm);
}

int main(void)
{
	RUN(set_up);
	RUN(ping_pong);
	RUN(crowd);
	RUN(all_are_woken);
	RUN(sleeper_looks_again);
	RUN(late_sleeper_does_not_sleep);
	RUN(waker_between_the_steps);
	RUN(true_at_once);
	RUN(nobody_asleep);
	return check_exit();
}
