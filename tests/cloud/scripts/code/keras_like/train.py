"""In the style of `fit`: a bar per step that draws itself again, and the epoch's numbers at its end."""

import os
import time

import numpy as np


class Model:
    def __init__(self, inputs, classes):
        self.weights = np.zeros((inputs, classes))

    def predict(self, x):
        powers = np.exp(x @ self.weights - (x @ self.weights).max(1, keepdims=True))
        return powers / powers.sum(1, keepdims=True)

    def fit(self, x, y, epochs, batch_size, validation_data, rate=0.2):
        steps = len(x) // batch_size
        for epoch in range(epochs):
            print(f"Epoch {epoch + 1}/{epochs}", flush=True)
            for step in range(steps):
                part, wanted = (one[step * batch_size : (step + 1) * batch_size] for one in (x, y))
                chances = self.predict(part)
                self.weights -= rate * part.T @ (chances - np.eye(chances.shape[1])[wanted]) / batch_size
                self.report(step + 1, steps, part, wanted)
                time.sleep(0.01)
            print(f" - {self.words('val_', *validation_data)}", flush=True)

    def report(self, step, steps, x, y):
        bar = "━" * (20 * step // steps)
        print(f"\r{step}/{steps} {bar:<20} 0s 4ms/step - {self.words('', x, y)}", end="", flush=True)

    def words(self, prefix, x, y):
        chances = self.predict(x)
        loss = -np.log(chances[np.arange(len(y)), y]).mean()
        return f"{prefix}accuracy: {(chances.argmax(1) == y).mean():.4f} - {prefix}loss: {loss:.4f}"

    def save(self, path):
        np.savez(path, weights=self.weights)


generator = np.random.default_rng(0)
x = generator.normal(size=(600, 20))
y = x[:, :4].argmax(1)
model = Model(20, 4)
model.fit(x[:480], y[:480], epochs=3, batch_size=32, validation_data=(x[480:], y[480:]))
model.save(os.path.join(os.environ["SM_MODEL_DIR"], "model.npz"))  # changed: where to
