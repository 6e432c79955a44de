/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of glibc's bench-pthread-locks.c, which includes a file of this name
 * for its main(): runs the one test that is named, not all of them. The C
 * library takes its locks without atomics until a process has had a thread;
 * this one has had one, as ours.
 */
static void *nothing(void *arg)
{
	return arg;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		test_t test;
	} tests[] = {
		{"mutex", test_mutex},
		{"rwlock_read", test_rwlock_read},
		{"spin_lock", test_spin_lock},
	};
	json_ctx_t json;
	pthread_t thread;

	if (pthread_create(&thread, NULL, nothing, NULL) || pthread_join(thread, NULL))
		return 1;
	json_init(&json, 0, stdout);
	for (unsigned int i = 0; argc == 2 && i < sizeof(tests) / sizeof(tests[0]); i++)
		if (!strcmp(argv[1], tests[i].name))
			return do_bench_2(argv[1], tests[i].test, 0, &json);
	return 2;
}
