/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was written to the results file is read back, and what is not of it is refused. */
#include "check.h"
#include "rows.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST  16
#define BLANK "1,,,,,,,,,,,,,,,,,,,,,,,,,,,\n"

static char folder[] = "/tmp/mnbench-replay-XXXXXX";
static char path[64], why[256];
static struct row seen[MOST];
static off_t places[MOST];
static size_t rows_seen;
static int stop_at; /* the row at which the callback fails, from 1 */

static struct rows *open_rows(void)
{
	struct rows *rows = NULL;

	if (!CHECK(!rows_open(&rows, path, why, sizeof(why))))
		exit(1);
	return rows;
}

static const char *keep_text(const char *text)
{
	return text ? strdup(text) : NULL;
}

static int take(const struct row *row, off_t at, void *user)
{
	CHECK(user == &stop_at && rows_seen < MOST);
	seen[rows_seen] = *row;
	/* The text is there only now. */
	seen[rows_seen].run_id = keep_text(row->run_id);
	seen[rows_seen].pin = keep_text(row->pin);
	seen[rows_seen].error = keep_text(row->error);
	places[rows_seen] = at;
	rows_seen++;
	return stop_at && rows_seen == (size_t)stop_at ? -ECANCELED : 0;
}

static int replay(struct rows *rows)
{
	while (rows_seen) {
		rows_seen--;
		free((void *)seen[rows_seen].run_id);
		free((void *)seen[rows_seen].pin);
		free((void *)seen[rows_seen].error);
	}
	why[0] = '\0';
	return rows_replay(rows, take, &stop_at, why, sizeof(why));
}

static void test_back(void)
{
	struct rows *rows = open_rows();
	struct row row[3];

	CHECK(!replay(rows) && rows_seen == 0);
	for (int i = 0; i < 3; i++)
		row_init(&row[i]);
	row[0].run_id = "the \"run\", of\na day";
	row[0].pin = "list:0,1";
	row[0].threads = 2;
	row[0].rep = 0;
	row[0].real_ns_per_op = 0.1;
	row[0].max_ns = 1e21;
	row[0].flags = "a;b";
	row[1].run_id = "\"";
	row[1].rep = 1;
	row[1].error = "it, failed";
	row[1].real_ns_per_op = 5;
	CHECK(!rows_append(rows, row, 3, NULL, 0));
	CHECK(!replay(rows) && rows_seen == 3);
	CHECK_TEXT(seen[0].run_id, row[0].run_id);
	CHECK_TEXT(seen[0].pin, "list:0,1");
	CHECK_TEXT(seen[0].error, "");
	CHECK(seen[0].threads == 2 && seen[0].rep == 0);
	CHECK(seen[0].real_ns_per_op == 0.1 && seen[0].max_ns == 1e21);
	CHECK(isnan(seen[0].iterations) && isnan(seen[0].overlap));
	CHECK_TEXT(seen[1].run_id, "\"");
	CHECK_TEXT(seen[1].error, "it, failed");
	CHECK(isnan(seen[1].real_ns_per_op));
	CHECK_TEXT(seen[2].run_id, "");
	CHECK(isnan(seen[2].rep));

	/* What the callback returns ends it, without a word. */
	stop_at = 2;
	CHECK(replay(rows) == -ECANCELED && rows_seen == 2);
	CHECK_TEXT(why, "");
	stop_at = 0;
	/* From a place on, rows are taken out; what comes after them goes there. */
	CHECK(!replay(rows));
	CHECK(!rows_cut(rows, places[1], why, sizeof(why)));
	CHECK(!replay(rows) && rows_seen == 1);
	row[2].rep = 7;
	CHECK(!rows_append(rows, &row[2], 1, NULL, 0));
	CHECK(!replay(rows) && rows_seen == 2 && seen[1].rep == 7);
	CHECK(!rows_close(rows, NULL, 0));
	unlink(path);
}

static void add_text(const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void test_refused(void)
{
	static const struct {
		const char *line, *why;
	} cases[] = {
		{"\n", "row 2: no row of schema 1"},
		{"2,,,,,,,,,,,,,,,,,,,,,,,,,,,\n", "row 2: no row of schema 1"},
		{"1,,,,,,,,,,,,,,,,,,,,,,,,,,\n", "row 2: cells are missing"},
		{"1,,,,,,,,,,,,,,,,,,,,,,,,,,,,\n", "row 2: more cells"},
		{"1,a\"b,,,,,,,,,,,,,,,,,,,,,,,,,,\n", "row 2: cells are missing, or badly quoted"},
		{"1,\"a\"b,,,,,,,,,,,,,,,,,,,,,,,,,,\n",
		 "row 2: cells are missing, or badly quoted"},
		{"1,\"a,,,,,,,,,,,,,,,,,,,,,,,,,,\n", "row 2: cells are missing, or badly quoted"},
		{"1,,,,,,,,,,x,,,,,,,,,,,,,,,,,\n", "row 2: not a number"},
		{"1,,,,,,,,,,1x,,,,,,,,,,,,,,,,,\n", "row 2: not a number"},
		{"1,,,,,,,,,,nan,,,,,,,,,,,,,,,,,\n", "row 2: not a number"},
		{"1,,,,,,,,,,1e999,,,,,,,,,,,,,,,,,\n", "row 2: not a number"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct rows *rows = open_rows();

		add_text(BLANK);
		add_text(cases[i].line);
		if (!CHECK(replay(rows) == -EINVAL && rows_seen == 1))
			fprintf(stderr, "  %s", cases[i].line);
		CHECK_HAS(why, cases[i].why);
		CHECK_HAS(why, path);
		rows_close(rows, NULL, 0);
		unlink(path);
	}
}

static void test_no_file(void)
{
	struct rows *rows = NULL;

	CHECK(!rows_open(&rows, "/dev/null", NULL, 0));
	CHECK(replay(rows) == -EINVAL);
	CHECK_HAS(why, "/dev/null: cannot be read back");
	rows_close(rows, NULL, 0);
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/f.csv", folder);
	test_back();
	test_refused();
	test_no_file();
	CHECK(!rmdir(folder));
	return check_result();
}
