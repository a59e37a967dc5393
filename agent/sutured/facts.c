// SPDX-License-Identifier: Apache-2.0
#include "sutured/facts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"
#include "base/utf8.h"
#include "crypto/machine_id.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define ID LOWER UPPER DIGITS "-"
#define HOST ID "._"
#define WORD HOST ":+~/@"

enum { SMALL = 4096, ADDRESSES_MAX = 16, FACTS_MAX = 32 };

/* The beginning of a small file as text without its line end; "" when it cannot be read. */
static void read_text(const char *root, const char *path, char *ret, size_t size)
{
	const struct agent_path p = agent_path(root, path);
	_cleanup_(sut_fclosep) FILE *f = fopen(p.s, "re");
	size_t n = f ? fread(ret, 1, size - 1, f) : 0;

	ret[n] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
}

void facts_filter(const char *text, const char *allowed, char instead, char *ret, size_t size)
{
	size_t n = 0;

	for (; *text && n + 1 < size; text++)
		if (strchr(allowed, *text))
			ret[n++] = *text;
		else if (instead)
			ret[n++] = instead;
	ret[n] = '\0';
}

/* ------------------------------------------------------------------ */
/* Who */

int facts_machine_id(const char *root, char ret[static IDENTITY_MACHINE + 1], struct sut_err *err)
{
	char text[64];
	int r;

	read_text(root, "/etc/machine-id", text, sizeof(text));
	if (!*text || !strcmp(text, "uninitialized"))
		return sut_err_reason(
			err, ENOENT, "machine-id",
			"/etc/machine-id is empty: run 'systemd-machine-id-setup', then "
			"try again");
	r = sut_machine_id(text, ret);
	explicit_bzero(text, sizeof(text));
	if (r == -EINVAL)
		return sut_err_reason(err, EBADMSG, "machine-id",
				      "/etc/machine-id is not 32 hexadecimal digits: remove it and "
				      "run 'systemd-machine-id-setup'");
	return r < 0 ? sut_err_oom(err) : 0;
}

/* As it is called, unfiltered. */
static void real_hostname(const char *root, char *ret, size_t size)
{
	*ret = '\0';
	if (*root)
		read_text(root, "/etc/hostname", ret, size);
	if (!*ret && gethostname(ret, size) < 0)
		*ret = '\0';
	ret[size - 1] = '\0';
}

void facts_hostname(struct net *n, const char *machine_id, char ret[static FACTS_HOST_MAX + 1])
{
	char name[FACTS_HOST_MAX + 1];

	real_hostname(n->root, name, sizeof(name));
	facts_filter(name, HOST, '-', ret, FACTS_HOST_MAX + 1);
	if (!n->conf.report_hostname || !*ret)
		(void)snprintf(ret, FACTS_HOST_MAX + 1, "host-%.12s", machine_id);
}

/* From /etc/hosts: nobody is asked by the network for the sake of a label. */
static void fqdn(struct net *n, char ret[static FACTS_HOST_MAX + 1])
{
	const struct agent_path path = agent_path(n->root, "/etc/hosts");
	_cleanup_(sut_fclosep) FILE *f = NULL;
	char host[FACTS_HOST_MAX + 1], line[1024];

	*ret = '\0';
	real_hostname(n->root, host, sizeof(host));
	if (strchr(host, '.')) {
		facts_filter(host, HOST, '-', ret, FACTS_HOST_MAX + 1);
		return;
	}
	f = *host ? fopen(path.s, "re") : NULL;
	while (f && !*ret && fgets(line, sizeof(line), f)) {
		const char *name, *found = NULL;
		char *rest = line;
		bool ours = false;

		line[strcspn(line, "#\n")] = '\0';
		(void)strsep(&rest, " \t");
		while ((name = strsep(&rest, " \t"))) {
			ours = ours || !strcmp(name, host);
			if (!found && sut_startswith(name, host) && name[strlen(host)] == '.')
				found = name;
		}
		if (ours && found)
			facts_filter(found, HOST, '-', ret, FACTS_HOST_MAX + 1);
	}
}

/* ------------------------------------------------------------------ */
/* What */

static const char *text_of(const json_t *apply, const char *part, const char *member)
{
	const json_t *j = json_object_get(apply, part);
	const char *s = json_string_value(member ? json_object_get(j, member) : j);

	return s ? s : "";
}

json_t *facts_kernel(const json_t *apply)
{
	char release[129], arch[33], build_id[65], kernel_id[65];
	struct utsname u = {0};

	(void)uname(&u);
	facts_filter(text_of(apply, "kernel", "release"), WORD, 0, release, sizeof(release));
	facts_filter(text_of(apply, "kernel", "arch"), WORD, 0, arch, sizeof(arch));
	if (!*release)
		facts_filter(u.release, WORD, 0, release, sizeof(release));
	if (!*arch)
		facts_filter(u.machine, WORD, 0, arch, sizeof(arch));
	facts_filter(text_of(apply, "kernel", "build_id"), DIGITS "abcdef", 0, build_id,
		     sizeof(build_id));
	facts_filter(text_of(apply, "kernel", "kernel_id"), DIGITS "abcdef", 0, kernel_id,
		     sizeof(kernel_id));
	return json_pack("{s:s, s:s, s:s, s:s}", "release", release, "build_id", build_id,
			 "kernel_id", kernel_id, "arch", arch);
}

void facts_product_uuid(const json_t *apply, char ret[static 65])
{
	facts_filter(text_of(apply, "product_uuid", NULL), ID, 0, ret, 65);
}

void facts_boot_id(const json_t *apply, char ret[static 65])
{
	char text[65];

	facts_filter(text_of(apply, "boot_id", NULL), ID, 0, ret, 65);
	if (*ret)
		return;
	read_text("", "/proc/sys/kernel/random/boot_id", text, sizeof(text));
	facts_filter(text, ID, 0, ret, 65);
	if (!*ret)
		(void)snprintf(ret, 65, "unknown");
}

/* The value of NAME=value or NAME="value" in os-release(5), printable, at most max bytes. */
static void os_value(const char *text, size_t len, const char *name, char *ret, size_t size)
{
	const char *end = text + len;
	size_t nname = strlen(name), n = 0;

	*ret = '\0';
	for (const char *p = text, *nl; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			nl = end;
		if ((size_t)(nl - p) <= nname || memcmp(p, name, nname) || p[nname] != '=')
			continue;
		for (p += nname + 1; p < nl && n + 1 < size; p++)
			if (*p && !strchr("\"'\\", *p))
				ret[n++] = *p;
		ret[n] = '\0';
		break;
	}
	sut_make_printable(ret, "");
}

void facts_distribution(const char *os_release, size_t len, char ret[static FACTS_TEXT_MAX + 1])
{
	char name[128], version[64];

	os_value(os_release, len, "PRETTY_NAME", ret, FACTS_TEXT_MAX);
	if (*ret)
		return;
	os_value(os_release, len, "NAME", name, sizeof(name));
	os_value(os_release, len, "VERSION_ID", version, sizeof(version));
	(void)snprintf(ret, FACTS_TEXT_MAX + 1, "%s%s%s", name, *version ? " " : "", version);
}

void facts_distro(const char *root, char ret[static FACTS_TEXT_MAX + 1])
{
	static const char *const paths[] = {"/etc/os-release", "/usr/lib/os-release"};
	_cleanup_buf_ struct sut_buf b = SUT_BUF_INIT(SMALL);

	*ret = '\0';
	for (size_t i = 0; i < SUT_ARRAY_SIZE(paths) && !*ret; i++) {
		const struct agent_path p = agent_path(root, paths[i]);

		if (sut_file_read(p.s, &b, NULL) == 0)
			facts_distribution(sut_buf_str(&b), b.len, ret);
	}
}

const char *facts_hypervisor(const char *dmi_vendor, const char *dmi_product, const char *cpuid)
{
	static const struct {
		char where; /* v: vendor, p: product, c: processor */
		const char *begins, *word;
	} known[] = {
		{'c', "KVMKVMKVM", "kvm"},
		{'c', "Linux KVM", "kvm"},
		{'v', "Amazon EC2", "amazon"},
		{'v', "Google", "google"},
		{'v', "VMware", "vmware"},
		{'c', "VMwareVMware", "vmware"},
		{'v', "innotek", "oracle"},
		{'p', "VirtualBox", "oracle"},
		{'c', "VBoxVBoxVBox", "oracle"},
		{'p', "Virtual Machine", "microsoft"},
		{'c', "Microsoft Hv", "microsoft"},
		{'v', "Xen", "xen"},
		{'c', "XenVMMXenVMM", "xen"},
		{'v', "Parallels", "parallels"},
		{'c', "bhyve bhyve", "bhyve"},
		{'c', "ACRNACRNACRN", "acrn"},
		{'c', "TCGTCGTCGTCG", "qemu"},
		{'v', "QEMU", "qemu"},
		{'p', "KVM", "kvm"},
		{'p', "OpenStack", "kvm"},
	};

	for (size_t i = 0; i < SUT_ARRAY_SIZE(known); i++) {
		const char *of = known[i].where == 'v'	 ? dmi_vendor
				 : known[i].where == 'p' ? dmi_product
							 : cpuid;

		if (sut_startswith(of, known[i].begins))
			return known[i].word;
	}
	return *cpuid ? "other" : "none";
}

static const char *virtualization(void)
{
	char vendor[64], product[64], cpu[13] = "";

	read_text("", "/sys/class/dmi/id/sys_vendor", vendor, sizeof(vendor));
	read_text("", "/sys/class/dmi/id/product_name", product, sizeof(product));
#if defined(__x86_64__) || defined(__i386__)
	unsigned int a, b, c, d;

	/* Bit 31 of leaf 1: there is a hypervisor, which says its name in leaf 0x40000000. */
	if (__get_cpuid(1, &a, &b, &c, &d) && (c & 1u << 31)) {
		__cpuid(0x40000000, a, b, c, d);
		memcpy(cpu, &b, 4);
		memcpy(cpu + 4, &c, 4);
		memcpy(cpu + 8, &d, 4);
		if (!*cpu)
			memcpy(cpu, "?", 2);
	}
#endif
	return facts_hypervisor(vendor, product, cpu);
}

static void add_v4(json_t *list)
{
	_cleanup_(sut_closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq all[ADDRESSES_MAX] = {0};
	struct ifconf c = {.ifc_len = sizeof(all), .ifc_req = all};

	if (fd < 0 || ioctl(fd, SIOCGIFCONF, &c) < 0)
		return;
	for (size_t i = 0; i < (size_t)c.ifc_len / sizeof(all[0]); i++) {
		const struct sockaddr_in *a = (const void *)&all[i].ifr_addr;
		char text[INET_ADDRSTRLEN];

		if (ntohl(a->sin_addr.s_addr) >> 24 != IN_LOOPBACKNET &&
		    inet_ntop(AF_INET, &a->sin_addr, text, sizeof(text)))
			(void)json_array_append_new(list, json_string(text));
	}
}

void facts_if_inet6(const char *line, char ret[static INET6_ADDRSTRLEN])
{
	unsigned int index, bits, scope, flags;
	struct in6_addr a;
	char hex[33];

	*ret = '\0';
	if (sscanf(line, "%32[0-9a-f] %x %x %x %x", hex, &index, &bits, &scope, &flags) != 5 ||
	    sut_unhex(hex, &a, sizeof(a)) < 0 || strlen(hex) != 2 * sizeof(a))
		return;
	/* Of the whole world, and not one that is gone tomorrow. */
	if (scope == 0 && !(flags & (IFA_F_TEMPORARY | IFA_F_DEPRECATED | IFA_F_TENTATIVE)))
		(void)inet_ntop(AF_INET6, &a, ret, INET6_ADDRSTRLEN);
}

/* Those by which others reach it: neither loopback nor of a link. Without netlink, which the unit forbids. */
static json_t *addresses(void)
{
	_cleanup_(sut_fclosep) FILE *f = fopen("/proc/net/if_inet6", "re");
	char line[256], text[INET6_ADDRSTRLEN];
	json_t *list = json_array();

	add_v4(list);
	while (f && json_array_size(list) < ADDRESSES_MAX && fgets(line, sizeof(line), f)) {
		facts_if_inet6(line, text);
		if (*text)
			(void)json_array_append_new(list, json_string(text));
	}
	return list;
}

static void add_tags(json_t *facts, const json_t *apply)
{
	const json_t *tags = json_object_get(json_object_get(apply, "choice"), "tags");

	if (json_array_size(tags) && json_array_size(tags) <= 64)
		(void)json_object_set_new(facts, "tags", json_deep_copy(tags));
}

json_t *facts_more(struct net *n, const json_t *apply)
{
	char distro[FACTS_TEXT_MAX + 1], full[FACTS_HOST_MAX + 1] = "";
	json_t *facts = json_object();
	struct sysinfo s;

	if (!facts)
		return NULL;
	facts_distro(n->root, distro);
	if (*distro)
		(void)json_object_set_new(facts, "distribution", json_string(distro));
	(void)json_object_set_new(facts, "virtualization", json_string(virtualization()));
	if (n->conf.report_hostname) {
		fqdn(n, full);
		if (*full)
			(void)json_object_set_new(facts, "fqdn", json_string(full));
		(void)json_object_set_new(facts, "addresses", addresses());
	}
	(void)json_object_set_new(facts, "cpus", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
	if (sysinfo(&s) == 0)
		(void)json_object_set_new(
			facts, "memory_mib",
			json_integer((json_int_t)((uint64_t)s.totalram * s.mem_unit >> 20)));
	add_tags(facts, apply);
	for (size_t i = 0; n->parts && n->parts[i]; i++)
		if (n->parts[i]->facts)
			n->parts[i]->facts(n, facts);
	return facts;
}

int facts_system(struct net *n, const json_t *apply, json_t **ret, struct sut_err *err)
{
	char machine[IDENTITY_MACHINE + 1], host[FACTS_HOST_MAX + 1], product[65];
	json_t *j;
	int r = facts_machine_id(n->root, machine, err);

	if (r < 0)
		return r;
	facts_hostname(n, machine, host);
	facts_product_uuid(apply, product);
	j = facts_kernel(apply); /* its members stand at the top of an enrolment */
	if (!j)
		return sut_err_oom(err);
	r = json_object_set_new(j, "machine_id", json_string(machine)) |
	    json_object_set_new(j, "hostname", json_string(host)) |
	    json_object_set_new(j, "agent", json_string(SUTURE_VERSION)) |
	    json_object_set_new(j, "facts", facts_more(n, apply));
	if (*product)
		r |= json_object_set_new(j, "product_uuid", json_string(product));
	if (r) {
		json_decref(j);
		return sut_err_oom(err);
	}
	*ret = j;
	return 0;
}

json_t *facts_products(const struct net *n)
{
	return n->conf.libraries ? json_pack("[s, s]", "kernel", "library")
				 : json_pack("[s]", "kernel");
}
