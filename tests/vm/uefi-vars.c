// SPDX-License-Identifier: Apache-2.0
/*
 * Enrols a certificate in the firmware of a virtual machine: writes it as PK, KEK
 * and db into an empty variable store of OVMF, which turns Secure Boot on and
 * makes the kernel trust it (.platform keyring).
 *
 * usage: uefi-vars OVMF_VARS.fd CERT.pem OUT.fd
 *
 * Formats: UEFI specification 2.10, 32.4.1 (signature lists); the store is that of
 * the firmware itself (edk2, MdeModulePkg/Include/Guid/VariableFormat.h).
 */
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"

enum {
	STORE_MAX = 16 << 20,
	CERT_MAX = 64 << 10,
	NAME_MAX_CHARS = 8,
	SIG_HEADER = 28, /* EFI_SIGNATURE_LIST without its signatures */
	VAR_ALIGN = 4,
	START_ID = 0x55aa,
	VAR_ADDED = 0x3f,
	STORE_FORMATTED = 0x5a,
	STORE_HEALTHY = 0xfe,
	/* Non-volatile, boot and run-time access, time-based authenticated. */
	ATTRIBUTES = 0x27,
};

struct guid {
	uint8_t b[16];
};

static const struct guid store_guid = {{0x78, 0x2c, 0xf3, 0xaa, 0x7b, 0x94, 0x9a, 0x43, 0xa1, 0x80,
					0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92}};
static const struct guid global_guid = {{0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d,
					 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c}};
static const struct guid db_guid = {{0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3, 0xbc,
				     0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f}};
static const struct guid x509_guid = {{0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5,
				       0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72}};
static const struct guid owner_guid = {
	{'s', 'u', 't', 'u', 'r', 'e', ' ', 't', 'e', 's', 't', ' ', 'k', 'e', 'y', 's'}};

/* Little-endian, packed, as it lies in the flash. */
struct volume {
	uint8_t zero[16];
	struct guid type;
	uint64_t length;
	uint8_t signature[4]; /* "_FVH" */
	uint32_t attributes;
	uint16_t header_length;
} __attribute__((packed));

struct store {
	struct guid type;
	uint32_t size; /* this header and all variables */
	uint8_t format, state;
	uint8_t reserved[6];
} __attribute__((packed));

struct variable {
	uint16_t start_id;
	uint8_t state, reserved;
	uint32_t attributes;
	uint64_t count;
	uint8_t time[16];
	uint32_t key_index, name_size, data_size;
	struct guid vendor;
} __attribute__((packed));

_Static_assert(sizeof(struct store) == 28 && sizeof(struct variable) == 60, "packed");

static int fail(const char *what)
{
	fprintf(stderr, "uefi-vars: %s\n", what);
	return 1;
}

static int signature_list(const uint8_t *der, size_t len, struct sut_buf *out)
{
	uint32_t size[3] = {(uint32_t)(SIG_HEADER + sizeof(owner_guid) + len), 0,
			    (uint32_t)(sizeof(owner_guid) + len)};

	return sut_buf_add(out, &x509_guid, sizeof(x509_guid)) ||
	       sut_buf_add(out, size, sizeof(size)) ||
	       sut_buf_add(out, &owner_guid, sizeof(owner_guid)) || sut_buf_add(out, der, len);
}

static int add_variable(struct sut_buf *vars, const char *name, const struct guid *vendor,
			const struct sut_buf *data)
{
	uint16_t wide[NAME_MAX_CHARS] = {0};
	struct variable v = {
		.start_id = START_ID,
		.state = VAR_ADDED,
		.attributes = ATTRIBUTES,
		.name_size = (uint32_t)((strlen(name) + 1) * sizeof(wide[0])),
		.data_size = (uint32_t)data->len,
		.vendor = *vendor,
	};

	for (size_t i = 0; name[i]; i++)
		wide[i] = (uint8_t)name[i];
	while (vars->len % VAR_ALIGN)
		if (sut_buf_add(vars, "\xff", 1) < 0)
			return 1;
	return sut_buf_add(vars, &v, sizeof(v)) || sut_buf_add(vars, wide, v.name_size) ||
	       sut_buf_add(vars, data->data, data->len);
}

static int read_certificate(const char *path, struct sut_buf *out)
{
	FILE *f = fopen(path, "re");
	X509 *x = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;
	unsigned char *der = NULL;
	int len = x ? i2d_X509(x, &der) : -1, r = -1;

	if (len > 0)
		r = signature_list(der, (size_t)len, out);
	OPENSSL_free(der);
	X509_free(x);
	if (f)
		fclose(f);
	return r;
}

/* Where the first variable goes; 0 when this is not an empty store. */
static size_t first_variable(const struct sut_buf *flash, size_t *ret_end)
{
	struct volume vol;
	struct store st;
	size_t at, end;

	if (flash->len < sizeof(vol) + sizeof(st))
		return 0;
	memcpy(&vol, flash->data, sizeof(vol));
	if (memcmp(vol.signature, "_FVH", 4) != 0 || vol.header_length > flash->len - sizeof(st))
		return 0;
	memcpy(&st, flash->data + vol.header_length, sizeof(st));
	if (memcmp(&st.type, &store_guid, sizeof(store_guid)) != 0 ||
	    st.format != STORE_FORMATTED || st.state != STORE_HEALTHY ||
	    st.size > flash->len - vol.header_length || st.size < sizeof(st))
		return 0;
	at = vol.header_length + sizeof(st);
	end = vol.header_length + st.size;
	for (size_t i = at; i < end; i++)
		if (flash->data[i] != 0xff)
			return 0;
	*ret_end = end;
	return at;
}

int main(int argc, char **argv)
{
	_cleanup_buf_ struct sut_buf flash = SUT_BUF_INIT(STORE_MAX), list = SUT_BUF_INIT(CERT_MAX),
				     vars = SUT_BUF_INIT(STORE_MAX);
	struct sut_err err = {0};
	size_t at, end = 0;

	if (argc != 4)
		return fail("usage: uefi-vars OVMF_VARS.fd CERT.pem OUT.fd");
	if (sut_file_read(argv[1], &flash, &err) < 0)
		return fail(err.msg);
	if (read_certificate(argv[2], &list) != 0)
		return fail("the certificate cannot be read");
	at = first_variable(&flash, &end);
	if (at == 0 || at % VAR_ALIGN != 0)
		return fail("this is not an empty variable store of OVMF");
	if (add_variable(&vars, "PK", &global_guid, &list) ||
	    add_variable(&vars, "KEK", &global_guid, &list) ||
	    add_variable(&vars, "db", &db_guid, &list))
		return fail("out of memory");
	if (vars.len > end - at)
		return fail("the variables do not fit into the store");
	memcpy(flash.data + at, vars.data, vars.len);
	if (sut_file_write(argv[3], flash.data, flash.len, 0644, &err) < 0)
		return fail(err.msg);
	return 0;
}
