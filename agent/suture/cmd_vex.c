// SPDX-License-Identifier: Apache-2.0
/* suture vex: an OpenVEX document about this machine, made now. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ask.h"
#include "base/file.h"
#include "cmd.h"
#include "halves.h"
#include "options.h"
#include "show.h"
#include "truth/truth.h"

static const char help[] =
	"usage: suture vex [OPTION]...\n\n"
	"Prints an OpenVEX 0.2.0 document with the CVEs that the live patch fixes in the kernel that\n"
	"runs right now. It is true for this machine in this boot, for 24 hours at most: give it to\n"
	"a scanner of this machine, and do not publish it for others (docs/formats/truth.md).\n\n"
	"  --output FILE  into this file instead; it is replaced as a whole\n"
	"  --json         what went wrong as one object on stdout; the document is JSON anyway\n\n"
	"Exit status: 0 done, 1 there is nothing to say (no live patch, or nobody vouches for it),\n"
	"or an error, 64 usage\n";

static int make(json_t **ret, struct sut_err *err)
{
	_cleanup_(halves_release) struct halves h = {0};
	char name[TRUTH_WORD_MAX];
	struct truth_host host;
	int r = halves_read_apply(ask_root(), &h, err);

	if (!r)
		r = truth_host_read(ask_root(), h.apply, &host, err);
	if (r < 0)
		return r;
	truth_host_name(ask_root(), name);
	return truth_vex(h.apply, &host, name, time(NULL), truth_vex_version(ask_root(), h.apply),
			 ret, err);
}

static int put(const json_t *doc, const char *output, struct sut_err *err)
{
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(TRUTH_FILE_MAX);
	char *s = json_dumps(doc, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	int r = s ? sut_buf_addf(&b, "%s\n", s) : -ENOMEM;

	free(s);
	if (r < 0)
		return sut_err_set(err, -r, "the document: %s", strerror(-r));
	if (output)
		return sut_file_write(output, b.data, b.len, 0644, err);
	if (fwrite(b.data, 1, b.len, stdout) != b.len || fflush(stdout) != 0)
		return sut_err_errno(err, "standard output");
	return 0;
}

int cmd_vex(int argc, char **argv)
{
	const char *output = NULL;
	bool json = false;
	const struct options_row rows[] = {OPTIONS_TEXT("output", &output),
					   OPTIONS_FLAG("json", &json)};
	const struct options o = {"vex", help, rows, SUT_ARRAY_SIZE(rows), 0, 0, NULL};
	_cleanup_(json_decrefp) json_t *doc = NULL;
	struct sut_err err = {0};
	char **words;
	size_t n;
	int exit = options_parse(&o, argc, argv, &words, &n);

	if (exit != OPTIONS_GO_ON)
		return exit;
	if (make(&doc, &err) < 0 || put(doc, output, &err) < 0)
		return show_end_with("vex", json, "suture-vex", NULL, &err, SUT_EXIT_ERROR);
	return SUT_EXIT_OK;
}
