// SPDX-License-Identifier: Apache-2.0
/* docs/formats/openapi.json says what the portal's tables of routes say. */
#include "api/api.h"
#include "openapi_doc.h"

int main(void)
{
	return openapi_doc_run(
		&(const struct openapi_doc){SOURCE_ROOT "/docs/formats/openapi.json", api_tables});
}
