print("hengd")
