/* SPDX-License-Identifier: Apache-2.0 */
/* /etc/suture/console.conf (docs/man/suture-console.md). */
#ifndef SUTURE_CONSOLE_CONF_H
#define SUTURE_CONSOLE_CONF_H

#include "web/conf.h"

#define CONSOLE_CONF_FILE "/etc/suture/console.conf"

struct console_conf {
	struct server_conf s;
	char *pages;	  /* pages = DIR: of the web pages */
	char *secret_key; /* secret-key = FILE: what secrets in the database are sealed with */
	char *ca; /* ca = FILE: certificates that agents need to believe this console; NULL: its own when it signed itself */
	char *spool; /* spool = DIR: files of scanners on their way in */
};

extern const struct server_conf_desc console_conf_desc;

/* As in web/conf.h. */
int console_conf_init(struct console_conf *c, struct sut_err *err) _must_check_;
int console_conf_parse(const char *name, const void *text, size_t len, struct console_conf *c,
		       struct sut_err *err) _must_check_;
void console_conf_release(struct console_conf *c);

#endif
