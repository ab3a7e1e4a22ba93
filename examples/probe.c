/* probe: print what this kernel's io_uring offers. */
#include "ring/ring.h"

#include <stdio.h>

int main(void)
{
	struct ring_capabilities kernel;
	int r = ring_probe(&kernel, NULL);

	if (r < 0) {
		struct ring_error error;
		ring_explain(&error, "io_uring_setup", r, NULL);
		fprintf(stderr, "probe: %s\n", error.text);
		return 1;
	}
	printf("features %#x, set-up flags %#x, enter flags %#x\n", kernel.features,
	       kernel.setup_flags, kernel.enter_flags);

	printf("%u operations, without:", kernel.operation_count);
	for (unsigned op = 0; op < IORING_OP_LAST; op++)
		if (!ring_supports(&kernel, op))
			printf(" %s", ring_op_name(op));
	putchar('\n');

	for (unsigned i = 0; i < RING_FEATURE_COUNT; i++)
		printf("%-20s %s\n", ring_feature_name((enum ring_feature)i),
		       ring_capable(&kernel, (enum ring_feature)i) ? "yes" : "no");
	return 0;
}
