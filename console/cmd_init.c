// SPDX-License-Identifier: Apache-2.0
/* suture-console init: what all servers make, and the key that secrets are sealed with. */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cmd.h"
#include "console.h"
#include "seal.h"

/* --config FILE or --config=FILE. What else is there server_cmd_init() judges. */
static const char *config_of(int argc, char **argv)
{
	const char *config = CONSOLE_CONF_FILE;

	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--config") && i + 1 < argc)
			config = argv[++i];
		else if (sut_startswith(argv[i], "--config="))
			config = argv[i] + strlen("--config=");
	return config;
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

/* Before the database: one without its key would be of no use. */
static int make_key(const char *config, struct sut_err *err)
{
	struct server_conf *conf = NULL;
	char *path = NULL, *folder = NULL;
	int r = cmd_conf_new(&console_program, config, &conf, err);

	if (r < 0)
		return r;
	path = ((struct console_conf *)conf)->secret_key;
	folder = strdup(path);
	r = folder ? sut_mkdir_p(dirname(folder), err) : sut_err_oom(err);
	if (r == 0)
		r = seal_make(path, err);
	if (r == 0)
		printf("Key:      %s seals the secrets in the database. Keep a copy of it, apart from\n"
		       "          those of the database.\n",
		       path);
	free(folder);
	cmd_conf_free(&console_program, conf);
	return r < 0 ? r : 0;
}

int cmd_init(int argc, char **argv)
{
	struct sut_err err = {0};

	if (!wants_help(argc, argv) && make_key(config_of(argc, argv), &err) < 0)
		return cmd_fail(&console_program, "init", &err);
	return server_cmd_init(&console_program, argc, argv);
}
