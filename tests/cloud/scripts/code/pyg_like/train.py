"""In the style of a graph network on one small graph: whole-graph epochs, a line per epoch with three splits."""

import argparse
import os

import torch
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--hidden_channels", type=int, default=16)
parser.add_argument("--lr", type=float, default=0.05)
parser.add_argument("--epochs", type=int, default=20)
args = parser.parse_args()
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
torch.manual_seed(0)

nodes, classes = 200, 3
y = torch.arange(nodes) % classes
same = y[:, None] == y[None, :]
edges = torch.rand(nodes, nodes) < torch.where(same, 0.08, 0.005)
adjacency = (edges | edges.T | torch.eye(nodes, dtype=torch.bool)).float()
degree = adjacency.sum(1).rsqrt()
adjacency = (degree[:, None] * adjacency * degree[None, :]).to_sparse()
x = torch.randn(nodes, 24) + 0.5 * F.one_hot(y, 24)
order = torch.randperm(nodes)
train_mask, val_mask, test_mask = order[:80], order[80:120], order[120:]


class GCN(torch.nn.Module):
    def __init__(self, in_channels, hidden_channels, out_channels):
        super().__init__()
        self.conv1 = torch.nn.Linear(in_channels, hidden_channels)
        self.conv2 = torch.nn.Linear(hidden_channels, out_channels)

    def forward(self, x, adjacency):
        x = F.dropout(torch.sparse.mm(adjacency, self.conv1(x)).relu(), p=0.5, training=self.training)
        return torch.sparse.mm(adjacency, self.conv2(x))


model = GCN(24, args.hidden_channels, classes).to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=args.lr, weight_decay=5e-4)
for epoch in range(1, args.epochs + 1):
    model.train()
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x, adjacency)[train_mask], y[train_mask])
    loss.backward()
    optimizer.step()
    model.eval()
    with torch.no_grad():
        right = model(x, adjacency).argmax(1).eq(y).float()
    train, val, test = (right[mask].mean().item() for mask in (train_mask, val_mask, test_mask))
    print(f"Epoch: {epoch:03d}, Loss: {loss:.4f}, Train: {train:.4f}, Val: {val:.4f}, Test: {test:.4f}", flush=True)
torch.save(model.state_dict(), os.path.join(os.environ["SM_MODEL_DIR"], "gcn.pt"))  # changed: where to
