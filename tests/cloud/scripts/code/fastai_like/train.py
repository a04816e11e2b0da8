"""In the style of a learner that prints a table: a head, then a row per epoch."""

import os
import time

import torch


class Learner:
    def __init__(self, train, valid, model, loss_func):
        self.train, self.valid, self.model, self.loss_func = train, valid, model, loss_func

    def validate(self):
        with torch.no_grad():
            x, y = self.valid
            out = self.model(x)
            return self.loss_func(out, y).item(), out.argmax(1).eq(y).float().mean().item()

    def fit_one_cycle(self, epochs, lr_max):
        x, y = self.train
        optimizer = torch.optim.Adam(self.model.parameters(), lr=lr_max)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr_max, total_steps=epochs * (len(x) // 32))
        print(f"{'epoch':<10}{'train_loss':<12}{'valid_loss':<12}{'accuracy':<10}{'time':<6}", flush=True)
        for epoch in range(epochs):
            began = time.time()
            for start in range(0, len(x), 32):
                loss = self.loss_func(self.model(x[start : start + 32]), y[start : start + 32])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
            valid_loss, accuracy = self.validate()
            took = time.strftime("%M:%S", time.gmtime(time.time() - began))
            print(f"{epoch:<10}{loss.item():<12.6f}{valid_loss:<12.6f}{accuracy:<10.6f}{took:<6}", flush=True)

    def export(self, path):
        torch.save(self.model, path)


torch.manual_seed(0)
pixels = torch.randn(640, 50)
kinds = pixels[:, :5].argmax(1)
net = torch.nn.Sequential(torch.nn.Linear(50, 40), torch.nn.ReLU(), torch.nn.Linear(40, 5))
learn = Learner((pixels[:512], kinds[:512]), (pixels[512:], kinds[512:]), net, torch.nn.functional.cross_entropy)
learn.fit_one_cycle(5, 3e-2)
learn.export(os.path.join(os.environ["SM_MODEL_DIR"], "export.pkl"))  # changed: where to
