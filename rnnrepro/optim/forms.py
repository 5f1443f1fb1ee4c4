"""The update rules, in the forms of the libraries that the papers used.

TensorFlow, Keras and PyTorch differ in where epsilon stands, where the accumulators start and how Adam's bias
is corrected; with small gradients these are different optimisers. Each form is a frozen dataclass of its
settings with

    slots(parameter) -> {name: tensor with leading run axis}
    step(parameter, gradient, slots, rate) -> what is to be subtracted; the slots change in place, under no_grad

`rate` is (S, 1, ..), for the run's elements. Only single-rounding operations are used (no `alpha=`,
`addcmul_` or `pow`): a fused multiply-add, or a transcendental, may round differently in a vector lane and in
a loop's tail, and then a run would depend on the stack that it is in. For the same reason Adam's powers of
beta are running products, one a run, kept among the slots; they also count a run's steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

Slots = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Form:
    """Base of all forms: no slots; weight decay is added to the gradient (an L2 penalty, as PyTorch's)."""

    weight_decay: float = 0.0

    def slots(self, parameter: Tensor) -> Slots:
        return {}

    def decayed(self, parameter: Tensor, gradient: Tensor) -> Tensor:
        """gradient + weight_decay · parameter."""
        return gradient + parameter * self.weight_decay if self.weight_decay else gradient

    def step(self, parameter: Tensor, gradient: Tensor, slots: Slots, rate: Tensor) -> Tensor:
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class SGD(Form):
    """m ← momentum·m + g; θ ← θ − rate·m (torch.optim.SGD without dampening)."""

    momentum: float = 0.0

    def slots(self, parameter: Tensor) -> Slots:
        return {"velocity": torch.zeros_like(parameter)} if self.momentum else {}

    def step(self, parameter: Tensor, gradient: Tensor, slots: Slots, rate: Tensor) -> Tensor:
        gradient = self.decayed(parameter, gradient)
        if self.momentum:
            gradient = slots["velocity"].mul_(self.momentum).add_(gradient)
        return gradient * rate


@dataclass(frozen=True, kw_only=True)
class Adam(Form):
    """Moments and running powers of beta, shared by the three libraries' forms (Kingma and Ba 2015)."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def slots(self, parameter: Tensor) -> Slots:
        one = parameter.new_ones((len(parameter),) + (1,) * (parameter.dim() - 1), dtype=torch.float64)
        return {
            "mean": torch.zeros_like(parameter),
            "square": torch.zeros_like(parameter),
            "power1": one,
            "power2": one.clone(),
        }

    def step(self, parameter: Tensor, gradient: Tensor, slots: Slots, rate: Tensor) -> Tensor:
        gradient = self.decayed(parameter, gradient)
        _average(slots["mean"], gradient, self.beta1)
        _average(slots["square"], gradient * gradient, self.beta2)
        bias1 = 1 - slots["power1"].mul_(self.beta1)
        bias2 = 1 - slots["power2"].mul_(self.beta2)
        return self.change(slots["mean"], slots["square"].sqrt(), bias1, bias2.sqrt(), rate.double())

    def change(self, mean: Tensor, root: Tensor, bias1: Tensor, root_bias2: Tensor, rate: Tensor) -> Tensor:
        """What is subtracted; `root` is √square, the last three are float64 of shape (S, 1, ..)."""
        raise NotImplementedError


class AdamTorch(Adam):
    """θ ← θ − rate/(1−β1ᵗ) · m / (√v/√(1−β2ᵗ) + ε)  (torch.optim.Adam)."""

    def change(self, mean: Tensor, root: Tensor, bias1: Tensor, root_bias2: Tensor, rate: Tensor) -> Tensor:
        return mean / (root / root_bias2.to(mean)).add_(self.epsilon) * (rate / bias1).to(mean)


class AdamTF(Adam):
    """θ ← θ − rate·√(1−β2ᵗ)/(1−β1ᵗ) · m / (√v + ε)  (tf.train.AdamOptimizer, the "epsilon hat" form)."""

    def change(self, mean: Tensor, root: Tensor, bias1: Tensor, root_bias2: Tensor, rate: Tensor) -> Tensor:
        return mean / (root + self.epsilon) * (rate * root_bias2 / bias1).to(mean)


@dataclass(frozen=True, kw_only=True)
class AdamKeras(AdamTF):
    """TensorFlow's form with Keras' epsilon."""

    epsilon: float = 1e-7


@dataclass(frozen=True, kw_only=True)
class RMSPropTorch(Form):
    """r ← decay·r + (1−decay)·g², r starts at 0; θ ← θ − rate·g/(√r + ε)  (torch.optim.RMSprop)."""

    decay: float = 0.99
    epsilon: float = 1e-8

    def slots(self, parameter: Tensor) -> Slots:
        return {"square": torch.zeros_like(parameter)}

    def step(self, parameter: Tensor, gradient: Tensor, slots: Slots, rate: Tensor) -> Tensor:
        gradient = self.decayed(parameter, gradient)
        _average(slots["square"], gradient * gradient, self.decay)
        return gradient / slots["square"].sqrt().add_(self.epsilon) * rate


@dataclass(frozen=True, kw_only=True)
class RMSPropKeras(RMSPropTorch):
    """As PyTorch's, with the constants of Keras before version 3 (keras.optimizers.RMSprop)."""

    decay: float = 0.9
    epsilon: float = 1e-7


@dataclass(frozen=True, kw_only=True)
class RMSPropTF(Form):
    """θ ← θ − rate·g/√(r + ε), and r starts at `initial_square` = 1  (tf.train.RMSPropOptimizer)."""

    decay: float = 0.9
    epsilon: float = 1e-10
    initial_square: float = 1.0

    def slots(self, parameter: Tensor) -> Slots:
        return {"square": torch.full_like(parameter, self.initial_square)}

    def step(self, parameter: Tensor, gradient: Tensor, slots: Slots, rate: Tensor) -> Tensor:
        gradient = self.decayed(parameter, gradient)
        _average(slots["square"], gradient * gradient, self.decay)
        return gradient / (slots["square"] + self.epsilon).sqrt_() * rate


@dataclass(frozen=True, kw_only=True)
class AdagradTorch(Form):
    """a ← a + g²; θ ← θ − rate·g/(√a + ε)  (torch.optim.Adagrad without rate decay)."""

    initial_accumulator: float = 0.0
    epsilon: float = 1e-10

    def slots(self, parameter: Tensor) -> Slots:
        return {"sum": torch.full_like(parameter, self.initial_accumulator)}

    def step(self, parameter: Tensor, gradient: Tensor, slots: Slots, rate: Tensor) -> Tensor:
        gradient = self.decayed(parameter, gradient)
        slots["sum"].add_(gradient * gradient)
        return gradient / slots["sum"].sqrt().add_(self.epsilon) * rate


@dataclass(frozen=True, kw_only=True)
class AdagradKeras(AdagradTorch):
    """As PyTorch's, with the constants of tf.keras before version 3 (keras.optimizers.Adagrad)."""

    initial_accumulator: float = 0.1
    epsilon: float = 1e-7


@dataclass(frozen=True, kw_only=True)
class AdagradTF(Form):
    """θ ← θ − rate·g/√a, a starts at 0.1, no epsilon  (tf.train.AdagradOptimizer)."""

    initial_accumulator: float = 0.1

    def slots(self, parameter: Tensor) -> Slots:
        return {"sum": torch.full_like(parameter, self.initial_accumulator)}

    def step(self, parameter: Tensor, gradient: Tensor, slots: Slots, rate: Tensor) -> Tensor:
        gradient = self.decayed(parameter, gradient)
        slots["sum"].add_(gradient * gradient)
        return gradient / slots["sum"].sqrt() * rate


def _average(slot: Tensor, value: Tensor, decay: float) -> None:
    """slot ← decay·slot + (1−decay)·value, in place."""
    slot.mul_(decay).add_(value * (1 - decay))
