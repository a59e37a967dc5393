// SPDX-License-Identifier: Apache-2.0
#include "sutured/net.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "base/utf8.h"

enum { REQUEST_SEC = 60, CONNECT_SEC = 20 };

static int64_t real_now(void *ctx _unused_)
{
	return (int64_t)time(NULL);
}

static int64_t real_boot(void *ctx _unused_)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec;
}

static int real_random(void *ctx _unused_, void *buf, size_t len)
{
	return getrandom(buf, len, 0) == (ssize_t)len ? 0 : -EIO;
}

const struct net_ops net_ops_real = {.now = real_now, .boot = real_boot, .random = real_random};

int net_init(struct net *n, const char *root, const struct net_ops *ops, struct sut_err *err)
{
	int r;

	*n = (struct net){.root = root, .ops = *ops, .timer = -1};
	pthread_mutex_init(&n->lock, NULL);
	pthread_cond_init(&n->queue.some, NULL);
	r = state_init(n, err);
	if (r < 0)
		net_release(n);
	return r;
}

void net_release(struct net *n)
{
	task_drop_all(n);
	net_http_drop(n);
	state_release(n);
	identity_wipe(&n->id);
	if (n->timer >= 0)
		close(n->timer);
	n->timer = -1;
	pthread_cond_destroy(&n->queue.some);
	pthread_mutex_destroy(&n->lock);
}

bool net_is_root(const struct net *n, uint32_t uid)
{
	return uid == 0 || (*n->root && uid == geteuid());
}

int64_t net_now(const struct net *n)
{
	return n->ops.now(n->ops.ctx);
}

int64_t net_boot_s(const struct net *n)
{
	return n->ops.boot(n->ops.ctx);
}

/* ------------------------------------------------------------------ */
/* One timer for all that is due; without anything due it sleeps. */

/* Under the lock. */
static void arm(struct net *n)
{
	struct itimerspec t = {.it_value = {0}};
	int64_t first = 0;

	for (size_t i = 0; i < NET_DUES; i++)
		if (n->due[i] && (!first || n->due[i] < first))
			first = n->due[i];
	t.it_value.tv_sec = (time_t)first;
	if (n->timer >= 0)
		timerfd_settime(n->timer, TFD_TIMER_ABSTIME, &t, NULL);
}

static void set_due(struct net *n, enum net_due what, int64_t in_s, bool earlier_only)
{
	/* 0 means "not", so the first second of a boot is the second one. */
	int64_t at = net_boot_s(n) + (in_s < INT32_MAX ? in_s : INT32_MAX) + 1;

	if (in_s <= 0)
		at = in_s < 0 ? 0 : 1;
	pthread_mutex_lock(&n->lock);
	if (!earlier_only || !n->due[what] || (at && at < n->due[what])) {
		n->due[what] = at;
		arm(n);
	}
	pthread_mutex_unlock(&n->lock);
}

void net_due_in(struct net *n, enum net_due what, int64_t in_s)
{
	set_due(n, what, in_s, false);
}

void net_due_by(struct net *n, enum net_due what, int64_t in_s)
{
	set_due(n, what, in_s, true);
}

int64_t net_due_left(struct net *n, enum net_due what)
{
	int64_t at, now = net_boot_s(n);

	pthread_mutex_lock(&n->lock);
	at = n->due[what];
	pthread_mutex_unlock(&n->lock);
	if (!at)
		return -1;
	return at > now ? at - now : 0;
}

void net_due_take(struct net *n, bool ret[static NET_DUES])
{
	int64_t now = net_boot_s(n);

	pthread_mutex_lock(&n->lock);
	for (size_t i = 0; i < NET_DUES; i++)
		ret[i] = n->due[i] && n->due[i] <= now;
	/* One wake-up for both: looking a little early into the repository does not hurt. */
	if (ret[NET_DUE_CHECKIN] && n->due[NET_DUE_CHECK] &&
	    n->due[NET_DUE_CHECK] <= now + NET_EARLY_S)
		ret[NET_DUE_CHECK] = true;
	for (size_t i = 0; i < NET_DUES; i++)
		if (ret[i])
			n->due[i] = 0;
	arm(n);
	pthread_mutex_unlock(&n->lock);
}

/* ------------------------------------------------------------------ */

int net_http(struct net *n, struct sut_http **ret, struct sut_err *err)
{
	const struct agent_path ca = agent_path(n->root, AGENT_PORTAL_CA);
	struct sut_http_opts o = {
		.proxy = *n->conf.proxy ? n->conf.proxy : NULL,
		.ca_file = *n->conf.portal_ca ? n->conf.portal_ca
			   : n->id.ca	      ? ca.s
					      : NULL,
		.connect_sec = CONNECT_SEC,
	};
	int r;

	if (sut_streq(o.proxy, "none"))
		o.proxy = "";
	if (!n->http) {
		r = sut_http_new(&o, &n->http, err);
		if (r < 0)
			return r;
	}
	*ret = n->http;
	return 0;
}

void net_http_drop(struct net *n)
{
	sut_http_free(n->http);
	n->http = NULL;
}

int net_repository(const struct net *n, char ret[static AGENT_URL_MAX + 1], struct sut_err *err)
{
	const char *from = *n->conf.repository ? n->conf.repository : n->id.repository;
	const char *portal = net_portal(n);
	size_t len;
	int w;

	w = snprintf(ret, AGENT_URL_MAX + 1, "%s%s", *from ? from : portal, *from ? "" : "/repo");
	if (!*from && !*portal) {
		*ret = '\0';
		return sut_err_reason(err, ENOENT, "not-registered",
				      "there is no repository to look into: register this machine "
				      "by 'suture register', or set 'repository' in %s",
				      AGENT_CONF);
	}
	if (w < 0 || w > AGENT_URL_MAX)
		return sut_err_set(err, ENAMETOOLONG, "the address of the repository is too long");
	len = strlen(ret);
	while (len && ret[len - 1] == '/')
		ret[--len] = '\0';
	return 0;
}

const char *net_portal(const struct net *n)
{
	return *n->conf.portal ? n->conf.portal : n->id.portal;
}

int net_disk(struct net *n, enum net_file file, int r, const struct sut_err *err)
{
	unsigned int was = n->disk;

	/* One that can be written does not make another one new that cannot. */
	n->disk = r < 0 ? was | file : was & ~(unsigned int)file;
	if (n->disk & ~was)
		net_log(NET_ERR, "%s. The agent goes on, but forgets this when it ends", err->msg);
	if (!n->disk != !was)
		state_identity(n);
	return r;
}

int net_save(struct net *n, struct sut_err *err)
{
	struct sut_err why = {0};
	int r = net_disk(n, NET_FILE_IDENTITY, identity_write(n->root, &n->id, &why), &why);

	state_identity(n);
	if (r < 0 && err)
		*err = why;
	return r;
}

/* ------------------------------------------------------------------ */

void net_log(enum net_level level, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sut_make_printable(text, "");
	fprintf(stderr, "<%d>%s\n", level, text);
}
