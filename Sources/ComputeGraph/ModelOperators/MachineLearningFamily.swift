extension ModelOperatorFamilies {
    /// Trees, linear models, encoders and linear algebra.
    static let machineLearning: [any ModelOperator.Type] = [
        ArrayFeatureExtractor.self,
        Binarizer.self,
        CastMap.self,
        CategoryMapper.self,
        DictVectorizer.self,
        FeatureVectorizer.self,
        Imputer.self,
        LabelEncoder.self,
        LinearClassifier.self,
        LinearRegressor.self,
        Normalizer.self,
        OneHotEncoder.self,
        SVMClassifier.self,
        SVMRegressor.self,
        Scaler.self,
        TreeEnsemble.self,
        TreeEnsembleClassifier.self,
        TreeEnsembleRegressor.self,
        ZipMap.self,
    ]
}
