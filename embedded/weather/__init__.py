"""The ways in which AWS may be worse than one hopes, each switched by itself: `fair` has none of them.

Whatever acts on a condition imports its module and reads `value` when it acts; a condition knows nothing of who asks.
"""
