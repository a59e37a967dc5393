// SPDX-License-Identifier: Apache-2.0
/* receive PORT-FILE DIR: takes webhooks until its standard input ends, and writes each as DIR/N.body and
 * DIR/N.head ("id timestamp signature"). */
#include "../unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../unit/receiver.h"

static struct receiver r;

static void write_text(const char *dir, size_t n, const char *what, const char *text)
{
	char path[512], fresh[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%zu.%s", dir, n, what);
	(void)snprintf(fresh, sizeof(fresh), "%s/new", dir);
	f = fopen(fresh, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0 || rename(fresh, path) != 0) {
		perror(path);
		exit(1);
	}
}

static void *write_all(void *arg)
{
	const char *dir = arg;

	for (size_t n = 0;;) {
		char head[512];

		if (n == receiver_count(&r)) {
			nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
			continue;
		}
		(void)snprintf(head, sizeof(head), "%s %s %s\n", r.v[n].id, r.v[n].timestamp,
			       r.v[n].signature);
		write_text(dir, n, "body", r.v[n].body);
		write_text(dir, n++, "head", head);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	FILE *f;
	char c;

	if (argc != 3)
		return 2;
	receiver_start(&r);
	if (pthread_create(&thread, NULL, write_all, argv[2]) != 0)
		return 1;
	f = fopen(argv[1], "w");
	if (!f || fprintf(f, "%u\n", r.port) < 0 || fclose(f) != 0)
		return 1;
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}
