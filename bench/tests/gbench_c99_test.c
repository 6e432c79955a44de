/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gbench_c.h needs nothing but a C compiler: the first and only include, -std=c99 -pedantic. The
 * program is the header's own example.
 */
#include "gbench_c.h"

#include <stdio.h>
#include <string.h>

static void copy(gb_state *st, void *user)
{
	size_t size = (size_t)gb_range_at(st, 0);
	char *from = user, *to = from + size;

	GB_LOOP (st) {
		memcpy(to, from, size);
		gb_clobber_memory();
	}
	gb_set_bytes_processed(st, (int64_t)(gb_iteration_count(st) * size));
}

static int count(const struct gb_result *result, void *user)
{
	*(int *)user += result->status == GB_OK && result->real_ns > 0;
	return 0;
}

int main(int argc, char **argv)
{
	static char buffer[8192];
	struct gb_run_options options = {0};
	int results = 0, rc = gb_initialize(&argc, argv);

	if (!rc) {
		gb_benchmark *b = gb_register("copy", copy, buffer);

		gb_range(b, 8, 4096);
		gb_iterations(b, 1000);
		options.on_result = count;
		options.user = &results;
		rc = gb_run(&options);
	}
	if (rc)
		fprintf(stderr, "%s\n", gb_last_error());
	gb_shutdown();
	return rc != 0 || results != 4;
}
