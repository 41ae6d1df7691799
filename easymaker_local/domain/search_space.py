"""The values that hyperparameters may take, in exact arithmetic: 0.01 to 0.05 in steps of 0.01 are five values (HP-14…HP-17).

Ranges are kept as whole numbers of a power of ten, so that nothing is rounded, however small the step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from easymaker_local.domain.tuning_spec import HyperparameterSpec, HyperparameterType, Strategy, TuningSpec
from easymaker_local.errors import FieldError

MAXIMUM_VALUE_LENGTH = 1000
"""What a hyperparameter of a training may have (rest-api §6.5)."""
_LARGEST_EXPONENT = 308
_MOST_COMBINATIONS = 1 << 53
"""What every JSON reader counts exactly."""
_LARGEST_INT = 1 << 53


@dataclass(frozen=True)
class Axis:
    """One hyperparameter: ``count`` values on the grid, or a range from ``low`` to ``high`` in units of ten to ``exponent``."""

    name: str
    kind: HyperparameterType
    values: tuple[str, ...] = ()
    low: int = 0
    high: int = 0
    step: int | None = None
    exponent: int = 0

    @property
    def count(self) -> int:
        """Number of values on the grid; of a range without a step only its ends are known, so it has none."""
        if not self.kind.is_range:
            return len(self.values)
        return 0 if self.step is None else (self.high - self.low) // self.step + 1

    def at(self, index: int) -> str:
        """Return a value of the grid as text, as short as it can be written without an exponent."""
        if not self.kind.is_range:
            return self.values[index]
        assert self.step is not None
        return _plain(self.low + index * self.step, self.exponent)

    @property
    def ends(self) -> tuple[float, float]:
        """Lowest and highest value of a range."""
        return float(_plain(self.low, self.exponent)), float(_plain(self.high, self.exponent))


def axes(spec: TuningSpec) -> tuple[Axis, ...]:
    """Return the axes of a spec without faults, in its order."""
    return tuple(_axis(one) for one in spec.hyperparameter_spec_list)


def grid_size(spec: TuningSpec) -> int | None:
    """Return how many combinations the grid has (HP-L03); None for a strategy without one."""
    if spec.tuning_strategy_name is not Strategy.GRID:
        return None
    return math.prod(axis.count for axis in axes(spec))


def grid_point(spec: TuningSpec, index: int) -> dict[str, str] | None:
    """Return the combination with that number, the last hyperparameter changing fastest; None behind the last one."""
    chosen: dict[str, str] = {}
    for axis in reversed(axes(spec)):
        index, digit = divmod(index, axis.count)
        chosen[axis.name] = axis.at(digit)
    return None if index else dict(reversed(chosen.items()))


def specified_values(spec: HyperparameterSpec) -> tuple[str, ...]:
    """Return the values of a comma-separated list, without the blanks round them (HP-17)."""
    parts = [part.strip() for part in (spec.hyperparameter_specified_values or "").split(",")]
    return tuple(dict.fromkeys(part for part in parts if part))


def faults(spec: TuningSpec) -> list[FieldError]:
    """Return what does not fit together in a tuning: its ranges, metrics, objective and counts."""
    found: list[FieldError] = []
    is_grid = spec.tuning_strategy_name is Strategy.GRID
    if spec.tuning_strategy_name is None:
        found.append(FieldError("tuningStrategyName", f"required: {', '.join(Strategy)}"))
    if not spec.hyperparameter_spec_list:
        found.append(FieldError("hyperparameterSpecList", "required: at least one hyperparameter to be tuned"))
    for i, one in enumerate(spec.hyperparameter_spec_list):
        found += [FieldError(f"hyperparameterSpecList.{i}.{field}", words) for field, words in _faults_of(one, is_grid)]
    if not found and (grid_size(spec) or 0) > _MOST_COMBINATIONS:
        words = f"the grid has more than {_MOST_COMBINATIONS} combinations; choose larger steps or another strategy"
        found.append(FieldError("hyperparameterSpecList", words))
    if not spec.metric_list:
        found.append(FieldError("metricList", "required: the names of the metrics that the algorithm prints"))
    if spec.objective_metric is None:
        found.append(FieldError("objectiveMetric", "required: one of the metrics"))
    elif spec.metric_list and spec.objective not in spec.metric_names:
        found.append(FieldError("objectiveMetric", f"{spec.objective!r} is not among the metrics in metricList"))
    if spec.objective_type_code is None:
        found.append(FieldError("objectiveTypeCode", "required: MINIMIZE or MAXIMIZE"))
    if spec.instance_count % spec.parallel_trial_count:
        words = f"{spec.instance_count} nodes cannot be shared evenly by {spec.parallel_trial_count} parallel trials"
        found.append(FieldError("instanceCount", words))
    return found


def _faults_of(spec: HyperparameterSpec, is_grid: bool) -> list[tuple[str, str]]:
    if spec.hyperparameter_type_code.is_range:
        return _range_faults(spec, is_grid)
    field = "hyperparameterSpecifiedValues"
    values = specified_values(spec)
    if not values:
        return [(field, "required: at least one value, separated by commas")]
    if any(len(value) > MAXIMUM_VALUE_LENGTH for value in values):
        return [(field, f"each value at most {MAXIMUM_VALUE_LENGTH} characters")]
    if spec.hyperparameter_type_code is HyperparameterType.DISCRETE:
        bad = [value for value in values if _decimal(value) is None]
        if bad:
            return [(field, f"{bad[0]!r} is not a number; discrete values are numbers, use categorical for others")]
    return []


def _range_faults(spec: HyperparameterSpec, is_grid: bool) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    is_int = spec.hyperparameter_type_code is HyperparameterType.INT
    numbers: dict[str, Decimal | None] = {}
    texts = {
        "MinValue": spec.hyperparameter_min_value, "MaxValue": spec.hyperparameter_max_value, "Step": spec.hyperparameter_step,
    }  # fmt: skip
    for name, text in texts.items():
        # A step means something on a grid only (HP-10); the vendor's samples send it always.
        if name == "Step" and not is_grid:
            continue
        field = f"hyperparameter{name}"
        if not text:
            with_grid = " with GRID" if name == "Step" else ""
            found.append((field, f"required for {spec.hyperparameter_type_code}{with_grid}"))
            continue
        number = _decimal(text)
        if number is None:
            found.append((field, f"{text!r} is not a number"))
        elif is_int and (number != number.to_integral_value() or abs(number) > _LARGEST_INT):
            found.append((field, f"{text!r} is not a whole number of at most {_LARGEST_INT}"))
        else:
            numbers[name] = number
    low, high, step = (numbers.get(name) for name in texts)
    if low is not None and high is not None and low > high:
        found.append(("hyperparameterMinValue", f"{texts['MinValue']} is above the maximum, {texts['MaxValue']}"))
    elif low is not None and high is not None and not math.isfinite(float(high) - float(low)):
        found.append(("hyperparameterMaxValue", f"the range from {texts['MinValue']} to {texts['MaxValue']} is too wide"))
    if step is not None and step <= 0:
        found.append(("hyperparameterStep", "must be greater than 0"))
    return found


def _decimal(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number.adjusted()) > _LARGEST_EXPONENT:
        return None
    return number


def _axis(spec: HyperparameterSpec) -> Axis:
    kind = spec.hyperparameter_type_code
    if not kind.is_range:
        return Axis(spec.hyperparameter_name, kind, values=specified_values(spec))
    # Step may be given and unused, and then it may be anything.
    step = _decimal(spec.hyperparameter_step) if spec.hyperparameter_step else None
    numbers = [_decimal(spec.hyperparameter_min_value or ""), _decimal(spec.hyperparameter_max_value or "")]
    used = [number for number in (*numbers, step) if number is not None]
    assert None not in numbers, "a spec with faults has no axes"
    exponent = min(0, *(_exponent(number) for number in used))
    low, high = (_scaled(number, exponent) for number in numbers if number is not None)
    scaled = _scaled(step, exponent) if step is not None and step > 0 else None
    return Axis(spec.hyperparameter_name, kind, low=low, high=high, step=scaled, exponent=exponent)


def _exponent(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return exponent


def _scaled(number: Decimal, exponent: int) -> int:
    sign, digits, own = number.as_tuple()
    assert isinstance(own, int)
    whole: int = int("".join(map(str, digits))) * 10 ** (own - exponent)
    return -whole if sign else whole


def _plain(number: int, exponent: int) -> str:
    text = f"{Decimal((int(number < 0), tuple(map(int, str(abs(number)))), exponent)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
