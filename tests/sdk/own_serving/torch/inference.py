"""A person's own script for SageMaker's container of PyTorch, as public examples write it."""

import json
import logging
import os
import sys

import torch
from torch import nn

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)
logger.addHandler(logging.StreamHandler(sys.stdout))


class Net(nn.Module):
    """Two numbers in, their sum and their difference out."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 2, bias=False)

    def forward(self, x):
        return self.fc(x)


def model_fn(model_dir):
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = Net()
    with open(os.path.join(model_dir, "model.pth"), "rb") as f:
        model.load_state_dict(torch.load(f, map_location=device))
    model.to(device).eval()
    logger.info("Done loading model")
    return model


def input_fn(request_body, request_content_type):
    assert request_content_type == "application/json"
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    data = json.loads(request_body)["inputs"]
    return torch.tensor(data, dtype=torch.float32, device=device)


def predict_fn(input_object, model):
    with torch.no_grad():
        return model(input_object)


def output_fn(predictions, content_type):
    assert content_type == "application/json"
    return json.dumps(predictions.cpu().numpy().tolist())
