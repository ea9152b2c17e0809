"""How is the package used from a terminal?"""
