"""Training the predictor and its body together: each photo of a batch in the style of another painting."""

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from fststyle.training.cost.objective import Cost
from fststyle.training.fit.module import StyleTransferModule
from fststyle.training.fit.muon import Muon
from fststyle.training.fit.schedule import RunningAverage
from fststyle.training.fit.step_cost import StyleChoice
from fststyle.training.networks.transformer_net import NetworkName
from fststyle.training.predict.bank import StyleBank
from fststyle.training.predict.predicted_net import PredictedNet

_PREDICTOR_RATE = 0.15
"""Of the predictor, as a share of the kernels' rate."""

_SHAKEN = 0.05  # standard deviation of what is added to vectors in training


class PredictorModule(StyleTransferModule):
    """Trains one body and the predictor of its numbers.

    Args:
        bank: The styles.
        chances: How often each style is drawn, (N,).
        network: As for `StyleTransferModule`.
        cost: Likewise; its loss network must be a judge of the bank.
        learning_rate: Likewise.
        init: Likewise.
    """

    def __init__(
        self,
        bank: StyleBank,
        chances: Tensor,
        network: NetworkName = "fast",
        cost: Cost = Cost(),
        learning_rate: float = 5e-3,
        ema_decay: float = 0.998,
        init: str = "base",
    ) -> None:
        super().__init__(
            bank.paintings[0],
            name="predicted",
            painting="many",
            network=network,
            cost=cost,
            learning_rate=learning_rate,
            warmup=0.1,
            ema_decay=ema_decay,
            init=init,
        )
        self.bank, self.chances = bank, chances
        self.vectors = bank.vectors.standardized(bank.raw)
        self.net = PredictedNet(self.net, bank.vectors.size)
        self.averaged = RunningAverage(self.net, ema_decay)
        self.averaged.requires_grad_(False)

    @property
    def predicted(self) -> PredictedNet:
        """The network in training."""
        return cast(PredictedNet, self.net)

    def start_from(self, state: Mapping[str, Tensor]) -> None:
        """Go on from an earlier run, whose averaged network had this state."""
        self.net.load_state_dict(state)
        self.averaged.module.load_state_dict(state)
        self.paints_already = True

    @property
    def turns(self) -> bool:
        """No: the bank knows the paintings from one side."""
        return False

    def build_optimizer(self) -> Optimizer:
        """The predictor learns at a rate of its own."""
        net = self.predicted
        optimizer = Muon(net.net.parameters(), lr=self.learning_rate)
        rate = _PREDICTOR_RATE * self.learning_rate
        optimizer.add_param_group({"params": list(net.predictor.parameters()), "lr": rate, "kernels": False})
        return optimizer

    def choice(self, places: Sequence[int], shaken: Tensor | None = None) -> StyleChoice:
        """Paint the pictures of a batch in these styles of the bank, and judge each by its own."""
        vectors = self.vectors[list(places)]
        if shaken is not None:
            vectors = vectors + shaken

        def paint(net: nn.Module, content: Tensor) -> Tensor:
            painted: Tensor = net(content, vectors)
            return painted

        return StyleChoice(paint, style_grams=self.bank.grams(self.cost.architecture, places))

    def choose(self, positions: Sequence[int]) -> StyleChoice:
        """Draw a style for each photo, as a function of the step."""
        generator = torch.Generator().manual_seed(self.trainer.global_step)
        places = torch.multinomial(self.chances, len(positions), replacement=True, generator=generator)
        shaken = _SHAKEN * torch.randn(len(positions), self.vectors.shape[1], generator=generator)
        return self.choice(places.tolist(), shaken)

    def choose_held_out(self, batch_idx: int, count: int) -> StyleChoice:
        """Each photo in another style."""
        return self.choice([(batch_idx * count + number) * 37 % len(self.bank) for number in range(count)])
