// SPDX-License-Identifier: Apache-2.0
/* suture-portal doctor: is all well, and if not, what to do. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd.h"
#include "doctor/doctor.h"

static const char help[] =
	"usage: suture-portal doctor [--config FILE] [--json]\n\n"
	"Looks at settings, database, clock, disk, certificate, repository, what /install gives, and\n"
	"listeners, and says what to do about what is wrong. Changes nothing. Run it as the user of the portal.\n\n"
	"  --config FILE   settings (default: " PORTAL_CONF_FILE "; suture-portal(8))\n"
	"  --json          the same for programs\n\n"
	"Exit status: 0 all is well, 1 something needs attention, 2 something is broken.\n";

static int parse(int argc, char **argv, const char **ret_config, bool *ret_json, int *ret_exit)
{
	static const struct option options[] = {{"config", required_argument, NULL, 'c'},
						{"json", no_argument, NULL, 'j'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	int c;

	*ret_exit = SERVER_EXIT_USAGE;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'c') {
			*ret_config = optarg;
		} else if (c == 'j') {
			*ret_json = true;
		} else {
			if (c == 'h') {
				fputs(help, stdout);
				*ret_exit = SERVER_EXIT_OK;
			}
			return -EINVAL;
		}
	}
	if (optind == argc)
		return 0;
	fprintf(stderr,
		"suture-portal doctor: '%s' is not understood; see suture-portal doctor --help\n",
		argv[optind]);
	return -EINVAL;
}

static void print_text(const struct doctor *d)
{
	size_t i;
	json_t *line;

	json_array_foreach(d->lines, i, line) {
		const char *advice = json_string_value(json_object_get(line, "advice"));

		printf("%-4s  %-11s  %s\n", json_string_value(json_object_get(line, "status")),
		       json_string_value(json_object_get(line, "check")),
		       json_string_value(json_object_get(line, "detail")));
		if (advice)
			printf("%-4s  %-11s  -> %s\n", "", "", advice);
	}
}

static int print_json(const struct doctor *d)
{
	json_t *doc = json_pack("{s:s, s:O}", "status", doctor_word(d->worst), "checks", d->lines);
	int r = doc ? json_dumpf(doc, stdout, JSON_INDENT(2)) : -1;

	json_decref(doc);
	putchar('\n');
	return r;
}

int cmd_doctor(int argc, char **argv)
{
	struct doctor d = {.config = PORTAL_CONF_FILE, .now = time(NULL)};
	bool json = false;
	int status;

	if (parse(argc, argv, &d.config, &json, &status) < 0)
		return status;
	d.lines = json_array();
	if (!d.lines) {
		fprintf(stderr, "suture-portal doctor: out of memory\n");
		return SERVER_EXIT_ERROR;
	}
	if (doctor_conf(&d) == 0) {
		doctor_database(&d);
		doctor_clock(&d);
		doctor_disk(&d);
		doctor_certificate(&d);
		doctor_repository(&d);
		doctor_install(&d);
		doctor_listeners(&d);
	}
	if (json && print_json(&d) < 0)
		d.worst = DOCTOR_FAIL;
	if (!json)
		print_text(&d);
	json_decref(d.lines);
	sut_db_free(d.db);
	portal_conf_release(&d.conf);
	return (int)d.worst;
}
