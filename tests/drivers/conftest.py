"""Makes pytest explain failed assertions of the shared suite as it does those of test modules."""

import pytest

pytest.register_assert_rewrite("easymaker_local.testing.driver_suite")
