/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a thread sleeps, and slept all the time. */
#include "asleep.h"
#include "check.h"
#include "places.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- kernels without a part of it ---- */

static const char *hidden[2], *instead; /* files' names; NULL: there is none */

static bool is_hidden(const char *path)
{
	const char *name = strrchr(path, '/');

	for (int i = 0; i < 2; i++)
		if (hidden[i] && name && !strcmp(name + 1, hidden[i]))
			return true;
	return false;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (flags & O_CREAT)
		mode = va_arg(args, mode_t);
	va_end(args);
	if (is_hidden(path)) {
		errno = ENOENT;
		return instead ? __real_open(instead, flags, mode) : -1;
	}
	return __real_open(path, flags, mode);
}

/* ---- a thread that sleeps until it is told what to do ---- */

enum order { SLEEP, NAP, SPIN, SLEEP_AGAIN, END };

static struct asleep watch;
static int watched;
static uint32_t order, obeyed;
static bool idle; /* it gets a PU only if nobody else wants it */

static void obey(uint32_t what)
{
	if (what == NAP)
		sleep_ms(1);
	while (what == SPIN && __atomic_load_n(&order, __ATOMIC_SEQ_CST) == SPIN)
		;
	__atomic_store_n(&obeyed, what, __ATOMIC_SEQ_CST);
}

static void *obedient(void *arg)
{
	const struct sched_param none = {0};
	uint32_t now = SLEEP;

	if (idle)
		sched_setscheduler(0, SCHED_IDLE, &none);
	__atomic_store_n(&watched, asleep_open(&watch), __ATOMIC_SEQ_CST);
	while (now != END) {
		syscall(SYS_futex, &order, FUTEX_WAIT_PRIVATE, now, NULL, NULL, 0);
		now = __atomic_load_n(&order, __ATOMIC_SEQ_CST);
		if (now != SLEEP)
			obey(now);
	}
	return arg;
}

static void tell(enum order what)
{
	__atomic_store_n(&order, what, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &order, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void wait_for(enum order what)
{
	while (__atomic_load_n(&obeyed, __ATOMIC_SEQ_CST) != what)
		sleep_ms(1);
}

static bool falls_asleep(void)
{
	for (int i = 0; i < 2000; i++) {
		if (asleep_now(&watch))
			return true;
		sleep_ms(1);
	}
	return false;
}

static pthread_t start(void)
{
	pthread_t id;

	order = obeyed = SLEEP;
	watched = 1;
	CHECK(!pthread_create(&id, NULL, obedient, NULL));
	while (__atomic_load_n(&watched, __ATOMIC_SEQ_CST) == 1)
		sleep_ms(1);
	CHECK(!watched);
	return id;
}

static void stop(pthread_t id)
{
	tell(END);
	pthread_join(id, NULL);
	asleep_close(&watch);
}

/* ---- the tests ---- */

static void test_still(void)
{
	pthread_t id = start();

	CHECK(falls_asleep());
	CHECK(asleep_still(&watch));
	sleep_ms(5);
	CHECK(asleep_still(&watch));
	/* It has run, and sleeps again. */
	tell(NAP);
	wait_for(NAP);
	sleep_ms(5);
	CHECK(!asleep_still(&watch));
	CHECK(falls_asleep() && asleep_still(&watch));
	tell(SPIN);
	sleep_ms(20);
	CHECK(!asleep_still(&watch) && !asleep_now(&watch));
	tell(SLEEP_AGAIN);
	wait_for(SLEEP_AGAIN);
	CHECK(falls_asleep());
	stop(id);
}

/* Woken, but without a PU yet: we have it, and there is no other for that thread. */
static void test_woken(void)
{
	pthread_t id;

	idle = true;
	take_places("compact", 1);
	CHECK(!pin_bind_self(topo, &places[0]));
	id = start();
	CHECK(falls_asleep() && asleep_still(&watch));
	tell(NAP);
	CHECK(!asleep_still(&watch));
	wait_for(NAP);
	stop(id);
	CHECK(!pin_unbind_self(topo));
	idle = false;
}

static void test_open(void)
{
	struct asleep a;

	hidden[0] = "stat";
	CHECK(asleep_open(&a) == -ENOENT);
	asleep_close(&a);
	hidden[0] = "status";
	CHECK(!asleep_open(&a));
	asleep_close(&a);
	hidden[1] = "schedstat";
	CHECK(asleep_open(&a) == -ENOENT);
	asleep_close(&a);
	hidden[0] = hidden[1] = NULL;
}

int main(void)
{
	char zeros[] = "/tmp/mnbench-zeros-XXXXXX";
	int fd = mkstemp(zeros);

	if (fd < 0 || write(fd, "0 0 0\n", 6) != 6)
		return 1;
	load_topology();
	test_open();
	test_still();
	if (tasks_are_ours())
		test_woken();
	hidden[0] = "schedstat";
	test_still();
	instead = zeros;
	test_still();
	hidden[0] = NULL;
	close(fd);
	unlink(zeros);
	pin_topology_free(topo);
	return check_result();
}
