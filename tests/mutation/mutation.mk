# SPDX-License-Identifier: Apache-2.0
# What the unit tests of the folder UNIT are linked from: tests/mutation/run puts
# a changed object before them.
.PHONY: print-test-link
print-test-link:
	@echo $(OUT)/tests/$(UNIT)_suites.o \
	    $(call objects,$(call units,$(UNIT)) tests/unit/runner.c) \
	    $(call archive,$(UNIT)) $(call archive,common) $(LDLIBS) $(TEST_LDLIBS)
