// SPDX-License-Identifier: Apache-2.0
/* docs/formats/console-openapi.json says what the console's tables of routes say. */
#include "api/api.h"
#include "openapi_doc.h"

int main(void)
{
	return openapi_doc_run(&(const struct openapi_doc){
		SOURCE_ROOT "/docs/formats/console-openapi.json", api_tables});
}
